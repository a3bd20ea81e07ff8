// Records whose names strangers chose. A name such as `constructor` is one of every object that has a
// prototype, and assigning to `__proto__` sets no name at all: so they are read and made by these two.

/** What a record itself has by a name; nothing that it inherits. */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined => (Object.hasOwn(record, name) ? record[name] : undefined);

/** A record that inherits nothing, so that names may be assigned to it, whichever they are. */
export const blank = <T>(): Record<string, T> => Object.create(null) as Record<string, T>;
