import { useEffect, useRef, useState } from 'preact/hooks';
import { withdraw, type Assignment, type At } from '../api/access';

interface Props {
  at: At;
  assignment: Assignment;
  isMe: boolean;
  close: () => void;
  done: (sentence: string) => void;
}

/** Asks once more before a role is taken back. */
export function Withdraw({ at, assignment, isMe, close, done }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState('');
  useEffect(() => dialog.current?.showModal(), []);
  const who = assignment.user.name ?? assignment.user.email ?? assignment.user_id;
  const role = assignment.role.display_name;
  const go = (): void => {
    setBusy(true);
    withdraw(at, assignment).then(
      () => done(`${who} is no longer ${role} of the ${at.type} ${at.id}.`),
      (error: unknown) => { setBusy(false); setWrong(error instanceof Error ? error.message : String(error)); },
    );
  };
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="withdraw" onClose={close}>
      <h2 id="withdraw">Withdraw {role} from {who}?</h2>
      <p>On the {at.type} <code>{at.id}</code> and all that is in it. It is in force at once{isMe ? ', and it is your own: you may not be able to give it back to yourself' : ''}.</p>
      {wrong && <p class="notice bad" role="alert">{wrong}</p>}
      <footer>
        <button type="button" autofocus onClick={close}>Keep</button>
        <button type="button" class="danger" disabled={busy} onClick={go}>Withdraw</button>
      </footer>
    </dialog>
  );
}
