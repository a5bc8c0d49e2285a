import { defineConfig } from 'handover';
import { openStore } from './lib/store.ts';

export default defineConfig({ store: () => openStore(process.env['SECRETS_STORE'] ?? '.handover/secrets') });
