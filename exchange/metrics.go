package exchange

import (
	"net/http"
	"net/http/pprof"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus gets to see. No label has a value that a client chose.
type metrics struct {
	registry  *prometheus.Registry
	exchanges *prometheus.CounterVec // outcome, reason
	others    *prometheus.CounterVec // operation, outcome, reason
	ended     *prometheus.CounterVec // operation
	verify    prometheus.Histogram
	fauna     prometheus.Histogram
	whole     prometheus.Histogram
	inFlight  prometheus.Gauge
}

// buckets reach from a tenth of a millisecond to the longest wait that is configured.
var buckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

func newMetrics(s *Service) *metrics {
	histogram := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		exchanges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fauna_login_exchanges_total",
			Help: "Exchanges by outcome (issued, refused, error) and reason.",
		}, []string{"outcome", "reason"}),
		others: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fauna_login_decisions_total",
			Help: "Requests other than exchanges by operation (logout, refresh, query, on_behalf, backchannel_logout, event), outcome (issued, ended, done, refused, error) and reason.",
		}, []string{"operation", "outcome", "reason"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fauna_login_sessions_ended_total",
			Help: "Sessions ended, by the operation that ended them.",
		}, []string{"operation"}),
		verify:   histogram("fauna_login_verify_seconds", "Time to verify a token, a wait for Auth0's keys included."),
		fauna:    histogram("fauna_login_fauna_seconds", "Time of the exchange's transaction in Fauna, retries included."),
		whole:    histogram("fauna_login_exchange_seconds", "Time of a whole exchange."),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "fauna_login_requests_in_flight", Help: "Requests being answered."}),
	}
	m.exchanges.WithLabelValues("issued", "") // there from the start, so that rates have a beginning
	m.registry.MustRegister(m.exchanges, m.others, m.ended, m.verify, m.fauna, m.whole, m.inFlight, keyCollector{s.Verifier},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if s.LiveSessions != nil {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "fauna_login_engine_live_sessions",
			Help: "Live auth0_jwt documents of the embedded engine, counted by its last sweep.",
		}, s.LiveSessions))
	}
	return m
}

// decided counts a finished request that asked for a decision.
func (m *metrics) decided(r *record, took time.Duration) {
	reason := string(knownReason(r.reason))
	switch r.op {
	case "":
		return
	case opExchange:
		m.exchanges.WithLabelValues(r.outcome, reason).Inc()
		m.whole.Observe(took.Seconds())
	default:
		m.others.WithLabelValues(string(r.op), r.outcome, reason).Inc()
	}
	if len(r.ended) > 0 {
		m.ended.WithLabelValues(string(r.op)).Add(float64(len(r.ended)))
	}
}

// knownReason keeps the label's values a closed set, come what may.
func knownReason(r Reason) Reason {
	if r == "" || slices.Contains(reasons, r) {
		return r
	}
	return ReasonInternal
}

// keyCollector reports the state of Auth0's keys, one series a tenant: an issuer's name never
// is a label.
type keyCollector struct{ verifier *Verifier }

var (
	keysAge     = prometheus.NewDesc("fauna_login_jwks_age_seconds", "Time since the tenant's oldest key set was fetched.", []string{"tenant"}, nil)
	keysMissing = prometheus.NewDesc("fauna_login_jwks_missing", "Key sets of the tenant that are not there or too old to use.", []string{"tenant"}, nil)
	keysStale   = prometheus.NewDesc("fauna_login_jwks_stale", "Key sets of the tenant whose last fetch failed.", []string{"tenant"}, nil)
	keysFetches = prometheus.NewDesc("fauna_login_jwks_fetches_total", "Fetches of the tenant's key sets, failed ones included.", []string{"tenant"}, nil)
)

func (c keyCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{keysAge, keysMissing, keysStale, keysFetches} {
		ch <- d
	}
}

func (c keyCollector) Collect(ch chan<- prometheus.Metric) {
	type sums struct{ age, missing, stale, fetches float64 }
	byTenant := map[string]*sums{} // tenant → over its key sets
	seen := map[string]bool{}      // URLs: issuers may share a key set
	for _, status := range c.verifier.KeyStatus() {
		if seen[status.URL] {
			continue
		}
		seen[status.URL] = true
		sum := byTenant[status.Tenant]
		if sum == nil {
			sum = &sums{}
			byTenant[status.Tenant] = sum
		}
		sum.fetches += float64(status.Fetches)
		if !status.Ready() {
			sum.missing++
		} else {
			sum.age = max(sum.age, status.Age.Seconds())
		}
		if status.LastError != "" {
			sum.stale++
		}
	}
	for tenant, sum := range byTenant {
		ch <- prometheus.MustNewConstMetric(keysAge, prometheus.GaugeValue, sum.age, tenant)
		ch <- prometheus.MustNewConstMetric(keysMissing, prometheus.GaugeValue, sum.missing, tenant)
		ch <- prometheus.MustNewConstMetric(keysStale, prometheus.GaugeValue, sum.stale, tenant)
		ch <- prometheus.MustNewConstMetric(keysFetches, prometheus.CounterValue, sum.fetches, tenant)
	}
}

// AdminHandler answers the admin listener: Prometheus at /metrics, Go's profiles at
// /debug/pprof/. It must not be public.
func (s *Service) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
