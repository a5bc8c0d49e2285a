import { defineConfig } from 'handover';
import { openStore } from './lib/store.ts';

export default defineConfig({ store: () => openStore(process.env['CUSTOMERS_STORE'] ?? '.handover/customers') });
