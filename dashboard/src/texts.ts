// Every English text that is used in more than one place, or that explains something.
export const texts = {
  name: 'OmniRoute',
  loading: 'Loading',
  failed: 'This could not be loaded',
  stale: 'What you see may be old',
  again: 'Try again',
  unreachable: 'Not reachable',
  unwell: 'Answers with errors',
  broken: 'This page has a fault',
  copied: 'Copied',
  close: 'Close',
  open: 'Nobody has set an admin password: everybody on this machine may administer this service.',
  contentKept: 'What is said in requests is being kept (the setting requests.content). Tell those who use the service.',
  contentGone: 'What was said is not kept any more.',
  contentOff: 'What was said is not kept. The setting requests.content = on does that, for a few days.',
  states: {
    active: 'Active',
    cooling: 'Cooling down',
    exhausted: 'Credits used up',
    suspended: 'Suspended',
    reauth_required: 'Sign in again',
    disabled: 'Disabled',
  } as Record<string, string>,
  suspended: (provider: string) => {
    const [who, support] = provider === 'kiro' ? ['AWS', "AWS's or Kiro's"] : ['The provider', "the provider's"];
    return `${who} has suspended this account. Signing in again does not help: only ${support} support can lift it. Write to them with the reason above; a Test finds out when it is lifted.`;
  },
  isolation: {
    dedicated: { name: 'Isolated', help: 'Its own client registration holds the session: no other account can end it.' },
    registered: { name: 'Registered', help: 'It owns a client registration; its session was issued elsewhere and is renewed there.' },
    shared: { name: 'Shared', help: 'It shares its registration with another tool: a sign-in there can end this session. Isolate it.' },
    none_needed: { name: 'No session', help: 'An API key has no session that could be ended.' },
  } as Record<string, { name: string; help: string }>,
  scopes: { inference: 'Ask models', admin: 'Administer this service' } as Record<string, string>,
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
