import './style/base.css';
import { render } from 'preact';
import { start } from './auth/session';
import { App } from './components/App';
import { Boundary } from './components/Boundary';

const page = document.getElementById('page');
if (page) {
  page.replaceChildren();
  render(<Boundary at=""><App /></Boundary>, page);
  void start();
}
