import { Component, h, type ComponentType, type FunctionComponent } from 'preact';

/** A component that is drawn again only when one of its properties is another one. */
export function memo<P extends object>(of: FunctionComponent<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return (Object.keys(next) as (keyof P)[]).some((name) => next[name] !== this.props[name]);
    }
    override render() {
      return h(of as FunctionComponent<object>, this.props);
    }
  };
}
