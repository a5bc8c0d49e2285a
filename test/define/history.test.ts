import { describe, expect, it } from 'vitest';
import { checkHistory, type Located } from '../../src/define/history.ts';
import { HandoverError } from '../../src/errors.ts';

const migration = (name: string, after: readonly string[] = [], version = 1, file = `${name}.ts`): Located => {
  return { file, migration: { name, version, after } };
};

function refusal(found: readonly Located[]): string {
  try {
    checkHistory(found);
  } catch (error) {
    if (error instanceof HandoverError) return `${error.code}: ${error.detail}`;
    throw error;
  }
  return 'accepted';
}

describe('the order of migrations', () => {
  it('need not be given', () => {
    expect(refusal([])).toBe('accepted');
    expect(refusal([migration('a'), migration('b')])).toBe('accepted');
  });

  it('may branch, as long as there is one last migration', () => {
    const diamond = [migration('a'), migration('b', ['a']), migration('c', ['a']), migration('d', ['b', 'c'])];
    expect(refusal(diamond)).toBe('accepted');
  });

  it('allows several versions of one migration', () => {
    expect(refusal([migration('a'), migration('a', [], 2), migration('b', ['a'])])).toBe('accepted');
  });

  it('refuses two of one name and version, and names both files', () => {
    expect(refusal([migration('a', [], 1, 'one.ts'), migration('a', [], 1, 'two.ts')])).toBe(
      'definition.invalid: Migration a version 1 is defined in one.ts and in two.ts.',
    );
    expect(refusal([migration('a'), migration('a')])).toBe(
      'definition.invalid: Migration a version 1 is defined twice in a.ts.',
    );
  });

  it('refuses a dependency that is not there', () => {
    expect(refusal([migration('a', ['zero'])])).toBe('definition.dependency: a.ts: a comes after zero, unknown here.');
  });

  it('refuses a circle', () => {
    expect(refusal([migration('a', ['c']), migration('b', ['a']), migration('c', ['b']), migration('d', ['c'])])).toBe(
      'definition.invalid: Migrations wait for each other in a circle: a after c after b after a.',
    );
  });

  it('refuses two heads once `after` is used', () => {
    expect(refusal([migration('a'), migration('b', ['a']), migration('c', ['a'])])).toBe(
      'definition.heads: Nothing comes after b, nor after c.',
    );
    expect(refusal([migration('a'), migration('b', ['a']), migration('alone')])).toBe(
      'definition.heads: Nothing comes after b, nor after alone.',
    );
  });
});
