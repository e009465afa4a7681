// A table that scrolls sideways on a narrow screen, by keyboard too.
import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

export function WideTable({ label, width, children }: { label: string; width: number; children: ReactNode }) {
  return (
    <div role="region" aria-label={label} tabIndex={0} style={{ overflowX: 'auto' }}>
      <Table highlightOnHover miw={width}>{children}</Table>
    </div>
  );
}
