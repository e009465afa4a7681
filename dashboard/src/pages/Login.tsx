import { Alert, Button, Center, Paper, PasswordInput, Stack, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client';
import { texts } from '../texts';

export function Login() {
  const [password, setPassword] = useState('');
  const client = useQueryClient();
  const login = useMutation({
    mutationFn: () => call('POST', '/api/auth/login', { password }),
    onSuccess: () => client.invalidateQueries(),
  });
  return (
    <Center mih="100vh" p="md" component="main">
      <Paper withBorder p="xl" w="100%" maw={380}>
        <form onSubmit={(event) => { event.preventDefault(); login.mutate(); }}>
          <Stack>
            <Title order={1} size="h3">{texts.name}</Title>
            <PasswordInput label="Admin password" value={password} onChange={(e) => setPassword(e.currentTarget.value)} autoFocus required autoComplete="current-password" />
            {login.isError && <Alert color="red" role="alert">{login.error.message}</Alert>}
            <Button type="submit" loading={login.isPending}>Log in</Button>
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
