// Package dashboards tests the dashboards and rules in deploy/monitoring with the
// parsers of those who read them: Prometheus's of expressions and rules, and Grafana's
// schema. `make dashboards` runs it. It is a module of its own because hachi needs
// neither.
package dashboards
