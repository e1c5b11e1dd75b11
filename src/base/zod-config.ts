// Tells zod not to compile its checks with `new Function`, which the page's CSP forbids.
// A module of its own, since it must be the first import of the page and of every worker. Knows no schema.
import { config } from 'zod';

config({ jitless: true });
