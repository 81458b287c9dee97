export type { ZookeeperAcl } from './backends/zookeeper/acl.js'
export type { ZookeeperClient } from './backends/zookeeper/node-zookeeper-shape.js'
export * from './common.js'
export { ZookeeperDict, type ZookeeperOptions } from './zookeeper-dict.js'
