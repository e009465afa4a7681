// Every English text that is used in more than one place, or that explains something.
export const texts = {
  name: 'OmniRoute',
  loading: 'Loading',
  failed: 'This could not be loaded',
  stale: 'What you see may be old',
  again: 'Try again',
  broken: 'This page has a fault',
  copied: 'Copied',
  open: 'Nobody has set an admin password: everybody on this machine may administer this service.',
  states: {
    active: 'Active',
    cooling: 'Cooling down',
    exhausted: 'Credits used up',
    suspended: 'Suspended',
    reauth_required: 'Sign in again',
    disabled: 'Disabled',
  } as Record<string, string>,
  isolation: {
    dedicated: { name: 'Isolated', help: 'Its own client registration holds the session: no other account can end it.' },
    registered: { name: 'Registered', help: 'It owns a client registration; its session was issued elsewhere and is renewed there.' },
    shared: { name: 'Shared', help: 'It shares its registration with another tool: a sign-in there can end this session. Isolate it.' },
    none_needed: { name: 'No session', help: 'An API key has no session that could be ended.' },
  } as Record<string, { name: string; help: string }>,
  strategies: {
    priority: 'In order: the first that can',
    'round-robin': 'In turn',
    weighted: 'By weight',
    'least-used': 'The one least used',
    'most-remaining': 'The one with most credits left',
    'reset-soonest': 'The one whose credits return soonest',
  } as Record<string, string>,
  verdicts: { picked: 'would serve', fallback: 'next in line', 'last resort': 'last resort', excluded: 'left out' } as Record<string, string>,
};
