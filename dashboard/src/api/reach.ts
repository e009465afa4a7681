// Which accounts a combo reaches: through its targets, and through the combos that they name.
import type { Combo, Connection } from './client';

export interface World { combos: Combo[]; connections: Connection[] }

// As the service lists targets: {combo}, {provider, connections, pin} or {text}.
function reached(combo: Combo, world: World, seen: Set<string>): Connection[] {
  if (seen.has(combo.id)) return [];
  seen.add(combo.id);
  return combo.targets.flatMap((target) => {
    if (typeof target === 'string') return [];
    if (target.combo !== undefined) return world.combos.filter((c) => c.name === target.combo).flatMap((c) => reached(c, world, seen));
    if (target.connections) {
      const named = target.connections.map((one) => (typeof one === 'string' ? one : one.id));
      return world.connections.filter((c) => named.includes(c.id) || (target.pin === 'soft' && c.provider === target.provider));
    }
    // A provider, or a model on any of its accounts.
    const text = target.text ?? '';
    return combo.missing.includes(text) ? [] : world.connections.filter((c) => c.provider === text.split('/')[0]);
  });
}

export const accountsOf = (combo: Combo, world: World) => reached(combo, world, new Set());

// Of one target of a combo, what is there no more.
export function goneOf(combo: Combo, index: number): string[] {
  const target = combo.targets[index];
  if (typeof target === 'string' || !target.connections) return combo.missing.filter((name) => name === combo.models[index]);
  const named = target.connections.map((one) => `${target.provider}/${typeof one === 'string' ? one : one.name}`);
  return combo.missing.filter((name) => named.includes(name));
}
