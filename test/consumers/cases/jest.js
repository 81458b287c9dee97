// @ts-check
/** @import { Case } from './case.js' */
/** @type {readonly Case[]} */
export const jest = []
