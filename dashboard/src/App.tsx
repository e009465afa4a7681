// The shell: navigation, the notice while nobody has set a password, and which page is shown.
import { ActionIcon, Alert, AppShell, Burger, Center, Group, Image, Loader, NavLink, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconActivityHeartbeat, IconArrowsSplit, IconHistory, IconHome, IconKey, IconListDetails, IconMessage, IconMoon, IconSettings, IconSun, IconUsers,
} from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { Link, Navigate, Route, Routes, useLocation } from 'react-router-dom';
import { ApiError, base, get, whenSignedOut } from './api/client';
import { useHealth } from './api/hooks';
import { ErrorBoundary } from './components/ErrorBoundary';
import { Login } from './pages/Login';
import { Overview } from './pages/Overview';
import { texts } from './texts';

const Providers = lazy(() => import('./pages/Providers'));
const AddProvider = lazy(() => import('./pages/AddProvider'));
const Combos = lazy(() => import('./pages/Combos'));
const HealthPage = lazy(() => import('./pages/Health'));
const Requests = lazy(() => import('./pages/Requests'));
const Audit = lazy(() => import('./pages/Audit'));
const Keys = lazy(() => import('./pages/Keys'));
const Settings = lazy(() => import('./pages/Settings'));
const Playground = lazy(() => import('./pages/Playground'));

const pages = [
  { to: '/', label: 'Overview', icon: IconHome },
  { to: '/providers', label: 'Providers', icon: IconUsers },
  { to: '/combos', label: 'Combos', icon: IconArrowsSplit },
  { to: '/health', label: 'Health', icon: IconActivityHeartbeat },
  { to: '/requests', label: 'Requests', icon: IconListDetails },
  { to: '/audit', label: 'Audit', icon: IconHistory },
  { to: '/keys', label: 'Keys', icon: IconKey },
  { to: '/playground', label: 'Playground', icon: IconMessage },
  { to: '/settings', label: 'Settings', icon: IconSettings },
];

export interface Session {
  loggedIn: boolean;
  passwordSet: boolean;
  mayAdminister: boolean;
}

export function App() {
  const client = useQueryClient();
  const session = useQuery({ queryKey: ['session'], queryFn: () => get<Session>('/api/auth/session'), retry: false });
  useEffect(() => whenSignedOut(() => void client.invalidateQueries({ queryKey: ['session'] })), [client]);
  if (session.isLoading) return <Center h="100vh"><Loader aria-label={texts.loading} /></Center>;
  if (session.data && session.data.passwordSet && !session.data.mayAdminister) return <Login />;
  return <Shell open={session.data ? !session.data.passwordSet : false} />;
}

function Shell({ open }: { open: boolean }) {
  const [menu, { toggle, close }] = useDisclosure();
  const { pathname } = useLocation();
  const health = useHealth();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  useEffect(() => {
    close();
    const page = pages.find((p) => p.to !== '/' && pathname.startsWith(p.to)) ?? pages[0];
    document.title = `${page.label} - ${texts.name}`;
  }, [pathname, close]);

  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 210, breakpoint: 'sm', collapsed: { mobile: !menu } }} padding="md">
      <AppShell.Header>
        <a href="#main" className="skip" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>Skip to the page</a>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={menu} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" aria-expanded={menu} />
            <Image src={`${base}/icon.svg`} alt="" w={28} h={28} />
            <Text fw={700}>{texts.name}</Text>
          </Group>
          <Group gap="sm" wrap="nowrap">
            {health.isError && <Text c="red" size="sm" role="status">{health.error instanceof ApiError && health.error.status === 0 ? texts.unreachable : texts.unwell}</Text>}
            <ActionIcon variant="default" size="lg" aria-label={scheme === 'dark' ? 'Light colours' : 'Dark colours'} onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}>
              {scheme === 'dark' ? <IconSun size={18} /> : <IconMoon size={18} />}
            </ActionIcon>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        {pages.map(({ to, label, icon: Icon }) => {
          const active = to === '/' ? pathname === '/' : pathname.startsWith(to);
          return <NavLink key={to} component={Link} to={to} label={label} leftSection={<Icon size={18} aria-hidden />} active={active} aria-current={active ? 'page' : undefined} />;
        })}
        <Text size="xs" c="dimmed" p="sm" mt="auto">{health.data && `Version ${health.data.version}`}</Text>
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        {open && <Alert color="yellow" mb="md" p="xs">{texts.open} <Link to="/settings">Set one</Link>.</Alert>}
        <ErrorBoundary key={pathname}>
        <Suspense fallback={<Center p="xl"><Loader aria-label={texts.loading} /></Center>}>
          <Routes>
            <Route path="/" element={<Overview />} />
            <Route path="/providers" element={<Providers />} />
            <Route path="/providers/add" element={<AddProvider />} />
            <Route path="/combos" element={<Combos />} />
            <Route path="/health" element={<HealthPage />} />
            <Route path="/requests" element={<Requests />} />
            <Route path="/audit" element={<Audit />} />
            <Route path="/keys" element={<Keys />} />
            <Route path="/settings" element={<Settings />} />
            <Route path="/playground" element={<Playground />} />
            <Route path="*" element={<Navigate to="/" replace />} />
          </Routes>
        </Suspense>
        </ErrorBoundary>
      </AppShell.Main>
    </AppShell>
  );
}
