import { Component, type ComponentChildren } from 'preact';
import { Problem } from './Problem';

interface Props {
  /** Where one is: at another place it is tried again. */
  at: string;
  children: ComponentChildren;
}

interface State {
  /** What could not be drawn, and where. */
  failed?: { error: unknown; at: string } | undefined;
}

/** Says that something could not be drawn, where a blank page would be otherwise. */
export class Boundary extends Component<Props, State> {
  override state: State = {};

  static override getDerivedStateFromProps({ at }: Props, { failed }: State): Partial<State> | null {
    return failed && failed.at !== at ? { failed: undefined } : null;
  }

  override componentDidCatch(error: unknown): void {
    this.setState({ failed: { error, at: this.props.at } });
  }

  override render({ children }: Props, { failed }: State) {
    if (!failed) return children;
    return <main class="view"><Problem error={failed.error} retry={() => this.setState({ failed: undefined })} /></main>;
  }
}
