import { useState } from 'preact/hooks';

interface Props {
  readonly label: string;
  /** Undefined: what stands in it is no number that will do. */
  readonly value: number | undefined;
  readonly min: number;
  readonly max?: number;
  readonly isOk: (n: number) => boolean;
  readonly onChange: (n: number | undefined) => void;
}

/** A number, exactly. What is typed stays as it is typed; whether it will do is told with every key. */
export function NumberField({ label, value, min, max, isOk, onChange }: Props) {
  const [typed, setTyped] = useState<string>();
  const isTyped = typed !== undefined && (value === undefined || Number(typed) === value);
  return (
    <input
      type="number"
      min={min}
      max={max}
      step="any"
      aria-label={label}
      aria-invalid={value === undefined}
      value={isTyped ? typed : (value ?? '')}
      onInput={({ currentTarget: { value: text } }) => {
        const n = Number(text);
        setTyped(text);
        onChange(text !== '' && isOk(n) ? n : undefined);
      }}
    />
  );
}
