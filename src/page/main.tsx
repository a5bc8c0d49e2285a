import { render } from 'preact';
import { Page } from './views/Page.tsx';

render(<Page />, document.getElementById('page')!);
