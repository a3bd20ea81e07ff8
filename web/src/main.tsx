import './style/base.css';
import { render } from 'preact';
import { start } from './auth/session';
import { App } from './components/App';

const page = document.getElementById('page');
if (page) {
  page.replaceChildren();
  render(<App />, page);
  void start();
}
