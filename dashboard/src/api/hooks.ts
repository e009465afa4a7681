// What the pages ask for, kept fresh while the page is looked at.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { notifications } from '@mantine/notifications';
import { ApiError, call, get, type Combo, type Connection, type Proxy, type Schemas } from './client';

export interface Field {
  name: string;
  label: string;
  type: 'text' | 'secret' | 'url' | 'choice' | 'boolean';
  required?: boolean;
  default?: string | boolean;
  help?: string;
  multiline?: boolean;
  advanced?: boolean;
  options?: (string | { value: string; label: string })[];
}
export interface Method {
  id: string;
  method: string;
  title: string;
  help?: string;
  forms?: string[];
  fields: Field[];
}
export interface Plugin {
  id: string;
  name: string;
  version: string;
  status: 'loaded' | 'refused';
  reason?: string;
  file: string;
  signInMethods: Method[];
}
const every = (ms: number) => ({ refetchInterval: ms, refetchOnWindowFocus: true });

export const useHealth = () => useQuery({ queryKey: ['health'], queryFn: () => get<Schemas['Health']>('/api/health'), ...every(10_000) });
export const useConnections = () =>
  useQuery({ queryKey: ['connections'], queryFn: () => get<{ connections: Connection[] }>('/api/providers'), select: (d) => d.connections, ...every(5_000) });
export const useCombos = () =>
  useQuery({ queryKey: ['combos'], queryFn: () => get<{ combos: Combo[] }>('/api/combos'), select: (d) => d.combos, ...every(15_000) });
export const useModels = () => useQuery({ queryKey: ['models'], queryFn: () => get<{ data: { id: string; owned_by: string }[] }>('/v1/models'), select: (d) => d.data });
export const useKeys = () =>
  useQuery({ queryKey: ['keys'], queryFn: () => get<{ keys: Schemas['ApiKey'][] }>('/api/keys'), select: (d) => d.keys, ...every(15_000) });
export const usePlugins = () =>
  useQuery({ queryKey: ['plugins'], queryFn: () => get<{ plugins: Plugin[] }>('/api/plugins'), select: (d) => d.plugins, staleTime: 60_000 });
export const useProxies = () =>
  useQuery({ queryKey: ['proxies'], queryFn: () => get<{ proxies: Proxy[] }>('/api/proxies'), select: (d) => d.proxies, ...every(30_000) });
export const useProxyAssignments = () =>
  useQuery({ queryKey: ['proxies', 'assignments'], queryFn: () => get<{ assignments: Schemas['ProxyAssignment'][] }>('/api/proxies/assignments'), select: (d) => d.assignments, ...every(30_000) });
export const useTokenHealth = () =>
  useQuery({ queryKey: ['token-health'], queryFn: () => get<Schemas['TokenHealth']>('/api/token-health'), select: (d) => d.connections, ...every(5_000) });

export function say(message: string) {
  notifications.show({ message, color: 'teal' });
}
export function complain(error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  notifications.show({ message, color: 'red', autoClose: 12_000 });
}

// What the service said of one of a form's fields, to stand there.
export const errorAt = (error: unknown, field: string) =>
  error instanceof ApiError && (error.field === field || error.field.startsWith(`${field}[`)) ? error.message : undefined;

// A change of something; afterwards whatever lists it is read anew. Conflicting edits say so and reload. A complaint about
// one of `fields` is left to the form (errorAt).
export function useChange<V, R = unknown>(run: (input: V) => Promise<R>, keys: string[], done?: (result: R, input: V) => void, fields: string[] = []) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: run,
    onSuccess: (result, input) => done?.(result, input),
    onError: (error) => {
      if (!fields.some((field) => errorAt(error, field))) complain(error);
      // Somebody else was quicker: what is shown is not what there is.
      if (error instanceof ApiError && [404, 409].includes(error.status)) void client.invalidateQueries();
    },
    onSettled: () => Promise.all(keys.map((key) => client.invalidateQueries({ queryKey: [key] }))),
  });
}

export const post = <T>(path: string, body: unknown = {}) => call<T>('POST', path, body);
