export { PickleEncoding } from './encodings/pickle-encoding.js'
