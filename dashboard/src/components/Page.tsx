// The frame of a page: title, what it is for, and the three states of everything that is fetched.
import { Alert, Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { texts } from '../texts';

export function Page({ title, intro, actions, children }: { title: string; intro?: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <div style={{ flex: '1 1 22rem' }}>
          <Title order={1} size="h2">{title}</Title>
          {intro && <Text c="dimmed" size="sm" maw={720}>{intro}</Text>}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  if (query.data !== undefined)
    return (
      <>
        {query.isError && <Alert color="yellow" title={texts.stale}>{query.error.message}</Alert>}
        {children(query.data)}
      </>
    );
  if (query.isError)
    return (
      <Alert color="red" title={texts.failed}>
        <Stack align="flex-start" gap="xs">
          {query.error.message}
          <Button size="xs" variant="light" onClick={() => query.refetch()}>{texts.again}</Button>
        </Stack>
      </Alert>
    );
  return <Stack role="status" aria-busy="true" aria-label={texts.loading}><Skeleton h={60} /><Skeleton h={60} /><Skeleton h={60} /></Stack>;
}

export function Nothing({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" py="xl" gap="xs">
      <Text fw={600} ta="center">{title}</Text>
      {children}
    </Stack>
  );
}
