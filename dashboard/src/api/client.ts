// Calls of the admin API. Errors carry what the service said, which is written for people.
import type { components } from './schema';

export type Schemas = components['schemas'];
export type Connection = Schemas['Connection'];
export type Combo = Schemas['Combo'] & { version?: string };
export type Explanation = Schemas['Explanation'];
export type SignIn = Schemas['SignIn'];
export type Proxy = Schemas['Proxy'];

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code = '',
    readonly field = '',
    readonly connectionId = '',
  ) {
    super(message);
  }
}

// Everything is relative to where the page itself came from.
export const base = new URL('.', document.baseURI).pathname.replace(/\/$/, '');

let onSignedOut: () => void = () => {};
export const whenSignedOut = (handler: () => void) => {
  onSignedOut = handler;
};

async function failure(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text);
    return new ApiError(response.status, error.message ?? text, error.code, error.field, error.connectionId);
  } catch {
    return new ApiError(response.status, text || `The service answered ${response.status}.`);
  }
}

export async function request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(base + path, {
      method,
      headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, 'The service does not answer. Is omnirouted running?', 'unreachable');
  }
  if (response.ok) return response;
  const error = await failure(response);
  if (response.status === 401 && path !== '/api/auth/login') onSignedOut();
  throw error;
}

export async function call<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T> {
  const response = await request(method, path, body, headers);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export const get = <T>(path: string) => call<T>('GET', path);
export const id = encodeURIComponent;
