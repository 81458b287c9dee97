// @ts-check

/**
 * What a server of Prometheus does with this rule, without one:
 *
 *     alert: SettingsStale
 *     expr: durabledict_staleness_seconds > durabledict_staleness_limit_seconds
 *
 * @param {string} metrics the text of /metrics
 */
export function isFiring(metrics) {
  return metricOf(metrics, 'durabledict_staleness_seconds') > metricOf(metrics, 'durabledict_staleness_limit_seconds')
}

/** @param {string} metrics @param {string} name */
function metricOf(metrics, name) {
  const [, value] = new RegExp(`^${name}\\{[^}]*\\} (.+)$`, 'm').exec(metrics) ?? []
  if (value === undefined) throw new Error(`There is no metric ${name}.`)
  return Number(value)
}
