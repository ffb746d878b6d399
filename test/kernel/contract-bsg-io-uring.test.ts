// guest: --kernel newest
import { nodeContract } from './contract.ts'

nodeContract('/dev/bsg/0:0:0:0', 'io_uring')
