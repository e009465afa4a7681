// A page that breaks says so and leaves the others usable, instead of a blank window.
import { Alert, Button, Stack, Title } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { texts } from '../texts';

export class ErrorBoundary extends Component<{ children: ReactNode }, { error?: Error }> {
  state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  render() {
    if (!this.state.error) return this.props.children;
    return (
      <Stack align="flex-start">
        <Title order={1} size="h2">{texts.broken}</Title>
        <Alert color="red">{this.state.error.message}</Alert>
        <Button onClick={() => this.setState({ error: undefined })}>{texts.again}</Button>
      </Stack>
    );
  }
}
