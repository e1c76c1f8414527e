// The process behind `exposeLocal`: started detached, one for each VM that has forwards. Arguments: the VM's id, and a
// mark by which it is found.
import { withHost } from './shared-host.ts';
import { serveForwards } from './vm/ports/serve-forwards.ts';

const [vmId = ''] = process.argv.slice(2);
await withHost((services) => serveForwards(services, vmId));
