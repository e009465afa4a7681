// A new passphrase of a file with accounts in it, written twice: there is no way back from a slip.
import { PasswordInput } from '@mantine/core';

export const shortestPassphrase = 12;
export const noPassphrase = { first: '', again: '' };
export type Passphrase = typeof noPassphrase;
export const isFit = ({ first, again }: Passphrase) => first.length >= shortestPassphrase && first === again;

export function NewPassphrase({ label, value, change, error, focused }: { label: string; value: Passphrase; change: (value: Passphrase) => void; error?: string; focused?: boolean }) {
  return (
    <>
      <PasswordInput label={label} data-autofocus={focused || undefined} value={value.first} required minLength={shortestPassphrase} error={error} errorProps={{ role: 'alert' }} onChange={(e) => change({ ...value, first: e.currentTarget.value })} autoComplete="new-password" description={`At least ${shortestPassphrase} characters; whoever has the file and guesses it has the accounts.`} />
      <PasswordInput label="Once more" value={value.again} required onChange={(e) => change({ ...value, again: e.currentTarget.value })} autoComplete="new-password" error={value.again !== '' && value.again !== value.first ? 'This differs from the first one.' : undefined} />
    </>
  );
}

// Hands a file of the service to the browser's downloads, named by its kind and the day.
export async function download(response: Response, kind: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = `omniroute-${kind}-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
