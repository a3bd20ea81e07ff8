import { session } from '../auth/session';
import { Shell } from './Shell';
import { SignIn } from './SignIn';

/** The whole page: a door, or what is behind it. */
export function App() {
  const now = session.value;
  switch (now.status) {
    case 'starting':
      return <p class="splash" role="status">Signing in …</p>;
    case 'out':
      return <SignIn why={now.why} />;
    case 'in':
      return <Shell name={now.name} />;
  }
}
