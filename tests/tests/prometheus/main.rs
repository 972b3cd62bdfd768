//! What Prometheus makes of the server: promtool accepts the metrics and the rules in `deploy/`, and a Prometheus that
//! scrapes the server has data for every query of the dashboards.

mod dashboards;
mod rules;
mod scraper;
