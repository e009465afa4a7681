import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './page.css';
import { type CSSVariablesResolver, createTheme, MantineProvider, Modal, Notification } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { HashRouter } from 'react-router-dom';
import { ApiError } from './api/client';
import { App } from './App';
import { HintLayer } from './components/Hint';
import { texts } from './texts';

const theme = createTheme({
  primaryColor: 'indigo',
  defaultRadius: 'md',
  primaryShade: { light: 8, dark: 8 },
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  // A cross alone has no name for a screen reader.
  components: {
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': texts.close } } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { 'aria-label': texts.close } } }),
  },
});
// Mantine's own shades of dimmed and coloured text are too faint on white for WCAG AA.
const strongerText: CSSVariablesResolver = (t) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': t.colors.gray[7],
    '--mantine-color-placeholder': t.colors.gray[7],
    ...Object.fromEntries(Object.keys(t.colors).flatMap((name) => [
      [`--mantine-color-${name}-light-color`, t.colors[name][9]],
      [`--mantine-color-${name}-outline`, t.colors[name][9]],
      [`--mantine-color-${name}-text`, t.colors[name][9]],
    ])),
    '--mantine-color-error': '#b02525',
    '--mantine-color-red-text': '#b02525',
    '--mantine-color-orange-text': '#a34308',
    '--mantine-color-orange-light-color': '#a34308',
    '--mantine-color-orange-outline': '#a34308',
    '--mantine-color-yellow-outline': '#7a4f00',
    '--mantine-color-yellow-light-color': '#7a4f00',
    '--mantine-color-teal-light-color': '#066149',
    '--mantine-color-teal-outline': '#066149',
    '--mantine-color-teal-text': '#066149',
  },
  dark: { '--mantine-color-error': t.colors.red[4], '--mantine-color-dimmed': t.colors.dark[1], '--mantine-color-placeholder': t.colors.dark[1] },
});
const client = new QueryClient({
  // What could not be loaded is tried again by itself, also where nothing is looked at regularly.
  defaultOptions: { queries: { refetchInterval: (query) => (query.state.status === 'error' ? 10_000 : false), retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500) } },
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={strongerText} defaultColorScheme="auto">
      <Notifications position="bottom-right" />
      <HintLayer />
      <QueryClientProvider client={client}>
        <HashRouter>
          <App />
        </HashRouter>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
