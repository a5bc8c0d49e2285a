import { Content } from '../../record/content.ts';
import type { Key } from '../../record/key.ts';
import { SLOT_PROPERTY } from '../../record/slot.ts';
import type { Entity } from '../store.ts';
import type { Connection } from './client.ts';
import { propertiesFromWire } from './fromWire.ts';
import { type Database, keyFromWire, keyToWire } from './keys.ts';
import { propertiesToWire, type Writing } from './toWire.ts';
import type { WireEntity, WireResult, WireValue } from './wire.ts';

/**
 * `forms` holds the wire form of contents that were read or written through one connection. So a record that moves
 * unchanged is sent as it came, with all that is in it, and one that is written several times is converted once.
 */
type Forms = Pick<Connection, 'forms'>;

export function entityFromWire(from: Database & Forms, { entity, version }: WireResult): Entity {
  const { [SLOT_PROPERTY]: slot, ...properties } = entity.properties;
  const content = Content.deferred(() => propertiesFromWire(from, properties));
  from.forms.set(content, properties);
  return { key: keyFromWire(from, entity.key), content, slot: slot && slotFromWire(slot), version };
}

/** What is not text becomes text that is no slot: the record is set aside for it. */
const slotFromWire = (slot: WireValue): string => slot.stringValue ?? `not text but ${slot.valueType}`;

/** Throws `entity.refused`, or what the content throws that does not decode. */
export function entityToWire(to: Writing & Forms, key: Key, content: Content, slot: string | undefined): WireEntity {
  let properties = to.forms.get(content);
  if (!properties) {
    properties = propertiesToWire(to, content.properties);
    to.forms.set(content, properties);
  }
  if (slot !== undefined) properties = { ...properties, [SLOT_PROPERTY]: slotToWire(slot) };
  return { key: keyToWire(to, key), properties };
}

const slotToWire = (slot: string): WireValue => ({ stringValue: slot, excludeFromIndexes: true });
