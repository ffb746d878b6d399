import { nodeContract } from './contract.ts'

nodeContract('/dev/sg0', 'ioctl')
