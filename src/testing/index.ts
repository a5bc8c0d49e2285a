export {
  Crash,
  type Fault,
  MemoryData,
  type MemoryStoreOptions,
  memoryStore,
  type StoreCall,
} from '../store/memory.ts';
export { FAULTS, type FaultKind, type Weather } from './faults.ts';
export type { Mind, Scenario, Wait } from './scenario.ts';
export type { Habits } from './schedule.ts';
export { type SimulateOptions, type SimulationFailure, type SimulationReport, simulate } from './simulate.ts';
export type { SimulatedRecord, Subjects } from './subject.ts';
export type { Tally } from './tally.ts';
