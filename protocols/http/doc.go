// Package httpd is the broker's management surface over HTTP: health under /livez and /readyz,
// figures for Prometheus under /metrics, and the administrator's API under /api/v1/.
//
// Health and figures are open, and tell no secrets: names of checks, counts, names of
// destinations. The API, and the details of the checks, are for those who have the token, which
// lies in a file that only the broker's own user can read.
package httpd
