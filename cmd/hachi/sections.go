package main

import (
	"time"

	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/tracing"
)

const busyPollUsage = "how long a stream to the other role polls, and a worker for work, before it blocks, for example 200us (as SO_BUSY_POLL); only for a process with cores of its own"

func logLevelFlag(f configFlags, to *string) {
	f.text("log-level", "logLevel", to, "debug, info, warn or error")
}

// tracingFlags are shared by up and the roles that requests pass.
func tracingFlags(f configFlags, c *tracing.Config) {
	f.text("trace-endpoint", "tracing.endpoint", &c.Endpoint, "OpenTelemetry collector that gets the spans of sampled requests by gRPC, http://HOST:4317 or https://HOST:4317; none when empty")
	f.number("trace-ratio", "tracing.ratio", &c.Ratio, "share of requests that are traced, 0 to 1")
	f.text("trace-link", "tracing.link", &c.Link, "page that shows a trace, to which consoles link, for example https://jaeger.example/trace/{trace}; none when empty")
}

// clusterFlags are the flags that every role shares.
func clusterFlags(f configFlags, c *role.ClusterConfig) {
	f.list("etcd", "cluster.etcd", &c.Etcd, "etcd endpoints, HOST:PORT,...")
	f.text("cluster", "cluster.name", &c.Cluster, "name of the cluster in etcd")
	f.text("id", "cluster.id", &c.ID, "name of this process in the cluster; required")
	f.text("gossip", "cluster.gossip", &c.Gossip, "gossip listener, HOST:PORT")
	f.text("advertise-gossip", "cluster.advertiseGossip", &c.AdvertiseGossip, "gossip address that others dial; the listener's own when empty")
	f.text("gossip-label", "cluster.gossipLabel", &c.GossipLabel, "members with another label are ignored; the cluster's name when empty")
	f.duration("lease-ttl", "cluster.leaseTTL", &c.TTL, leaseUsage)
}

const leaseUsage = "time without renewal after which etcd drops a process's record"

// securityFlags are the flags that every role shares.
func securityFlags(f configFlags, s *role.SecurityConfig) {
	f.text("certificates", "security.certificates", &s.Certificates, "directory with ca.crt, tls.crt and tls.key of this process, from hachi certs or cert-manager; plaintext when empty")
	f.text("etcd-certificates", "security.etcdCertificates", &s.EtcdCertificates, etcdCertificatesUsage)
	f.text("gossip-keys", "security.gossipKeys", &s.GossipKeys, "file with the keys of the gossip, one base64 key of 16, 24 or 32 bytes per line: the first encrypts, all decrypt; plaintext when empty")
	f.boolean("insecure", "security.insecure", &s.Insecure, insecureUsage)
}

// adminFlags are the flags of a process with an admin API.
func adminFlags(f configFlags, a *role.AdminConfig) {
	f.text("admin-listen", "security.adminListen", &a.AdminListen, "listener of the admin API (metrics and profiles), HOST:PORT; none when empty")
	f.text("admin-keys", "security.adminKeys", &a.AdminKeys, "file with the keys of admins, from hachi keys new; read again when it changes")
}

// accessFlags are the flags of a process that clients call.
func accessFlags(f configFlags, a *role.AccessConfig) {
	adminFlags(f, &a.AdminConfig)
	f.text("api-keys", "security.apiKeys", &a.APIKeys, "file with the keys of clients, from hachi keys new; read again when it changes; clients need none when empty")
	f.boolean("shared-prefix-cache", "security.sharedPrefixCache", &a.SharedPrefixCache, "one prefix cache for all clients; then the time to the first token says what other clients have sent")
	f.text("http-certificates", "security.httpCertificates", &a.HTTPCertificates, "directory with tls.crt and tls.key of the HTTP API, from an authority that clients trust; read again when they change; plaintext when empty")
	f.list("allowed-host", "security.allowedHosts", &a.AllowedHosts, "name that a proxy on this machine sends in the Host header to a loopback listener; may be repeated")
}

const (
	etcdCertificatesUsage = "directory with ca.crt, tls.crt and tls.key for etcd, or none for plaintext; that of --certificates when empty"
	insecureUsage         = "allow plaintext, and clients without keys, on listeners that other machines reach"
)

// placementFlags are shared by up and coordinator.
func placementFlags(f configFlags, p *role.PlacementConfig) {
	f.text("placement", "placement.policy", &p.Policy, "column (expert e on node e mod N), balanced (by load, speed, memory and zone) or eplb (as DeepSeek's, on equal nodes)")
	f.integer("replicas", "placement.replicas", &p.Replicas, "replicas of each expert; with 1, a node's death pauses the streams until another node has loaded its experts")
	f.integer("redundant-experts", "placement.redundantExperts", &p.Redundant, "copies more that a layer has, of its busiest experts; balanced and eplb only")
}

// modelFlags are shared by up and the roles that compute.
func modelFlags(f configFlags, m *role.ModelConfig) {
	f.text("model", "model.dir", &m.Dir, "checkpoint directory, or the URL of one: "+urlForms+"; peer://,URL asks other expert nodes for experts first")
	sourceFlags(f, &m.Source)
	backendFlags(f, m)
	f.text("expert-family", "model.expertFamily", &m.ExpertFamily, "numerics family of the experts, for routers whose own backend has another: cuda-sm90-k16 is that of an H100; expert nodes log theirs, and refuse another; the same for every process of a cluster")
	f.text("sidecar", "model.sidecar", &m.Sidecar, "command of the helper that computes experts with --backend sidecar, split at spaces")
	f.integer("sidecar-helpers", "model.sidecarHelpers", &m.SidecarHelpers, "helpers of an expert node, which divide its experts; each knows its number as HACHI_SIDECAR_INDEX; 0 is one")
	threadsFlag(f, &m.Threads)
	coreBudgetFlag(f, &m.CoreBudget)
	f.boolean("reserve-core", "model.reserveCore", &m.ReserveCore, "compute with one core less than --threads, at least one, and leave it to gossip and gRPC")
	quantizeFlag(f, &m.Quantize)
	numericsFlags(f, &m.Numerics)
	orderFlag(f, &m.Numerics)
	f.integer("max-step-tokens", "model.maxStepTokens", &m.MaxStepTokens, "maximum tokens of a step, which bounds every message; the same for every process of a cluster; 0 is 512")
}

// backendFlags choose what computes.
func backendFlags(f configFlags, m *role.ModelConfig) {
	m.Backends = backends()
	f.text("backend", "model.backend", &m.Backend, "what computes; an unknown name lists what this binary has")
	f.boolean("gpu-attention", "model.gpuAttention", &m.GPUAttention, "compute attention on the GPU too, with --backend cuda; with false, on the processor; the same for every process of a cluster")
	f.integer("device", "model.device", &m.Device, "number of the accelerator to compute with, as nvidia-smi -L lists them; one process for each")
}

// urlForms are the forms of a model's URL.
const urlForms = "https://BASE, http://BASE, s3://BUCKET/PREFIX or oci:DIRECTORY[:TAG]"

// sourceFlags say how a model that is not in a directory is fetched.
func sourceFlags(f configFlags, s *role.SourceConfig) {
	f.text("weights-cache", "model.weightsCache", &s.WeightsCache, "directory that keeps what was fetched of a model at a URL; in the user's cache when empty")
	f.size("weights-cache-size", "model.weightsCacheSize", &s.WeightsCacheSize, "maximum size of --weights-cache, for example 100Gi; 0 is no limit")
	f.text("model-credentials", "model.credentials", &s.Credentials, "file with a bearer token for a model at an https URL, or with keys as the AWS tools keep them for s3; when empty, the environment's for s3, and HF_TOKEN for huggingface.co")
	f.text("s3-endpoint", "model.s3Endpoint", &s.S3Endpoint, "URL of the S3-compatible store of an s3 model; that of AWS_ENDPOINT_URL, or else Amazon's, when empty")
	f.list("model-redirect-host", "model.redirectHosts", &s.RedirectHosts, "host to which the server of a model may redirect; it gets no credentials; may be repeated")
}

func threadsFlag(f configFlags, to *int) {
	f.integer("threads", "model.threads", to, "cores of each process; 0 is every core of the machine, which the processes of hachi up share")
}

func coreBudgetFlag(f configFlags, to *string) {
	f.text("core-budget", "model.coreBudget", to, "file in shared memory by which the processes of this machine share its cores, for example /dev/shm/cores; auto is one of this user, which hachi up uses where a node would get several of the cores; no cores are shared when empty")
}

func quantizeFlag(f configFlags, to *string) {
	f.text("quantize", "model.quantize", to, "format that experts get when they are loaded: "+formatNames()+"; the same for every process of a cluster")
}

// numericsFlags choose the rounding points of a cluster.
func numericsFlags(f configFlags, to *role.NumericsConfig) {
	f.text("kv-cache-dtype", "model.kvCacheDtype", &to.KVCacheDtype, "data type of the KV cache: f32, bf16 or int8; the checkpoint's when empty; the same for every process of a cluster")
	f.text("ffn-activation-dtype", "model.ffnActivationDtype", &to.FFNActivationDtype, "data type to which an expert rounds its activations before w2: f32 or bf16; f32 when empty; the same for every process of a cluster")
	f.text("dense-activation-dtype", "model.denseActivationDtype", &to.DenseActivationDtype, "data type to which rows are rounded before the matrices of attention and the head: f32 or bf16; f32 when empty; the same for every process of a cluster")
}

// orderFlag chooses the numerics family of processors.
func orderFlag(f configFlags, to *role.NumericsConfig) {
	f.text("numerics", "model.numerics", &to.Order, "order of sums with bf16 weights on processors: pairs, or amx-bf16, which Intel's tiles compute and other processors emulate, slower; pairs when empty; the same for every process of a cluster")
}

// servingFlags are shared by up and router.
func servingFlags(f configFlags, s *role.ServingConfig) {
	apiFlags(f, &s.APIConfig)
	kvCacheFlags(f, s)
	f.boolean("prefix-cache", "serving.prefixCache", &s.PrefixCache, "reuse KV blocks of shared prompt prefixes")
	f.integer("micro-batches", "serving.microBatches", &s.MicroBatches, "micro-batches per step to overlap attention with expert calls; 0 = auto")
	f.integer("speculative-tokens", "serving.speculativeTokens", &s.SpeculativeTokens, "max draft tokens per step (n-gram / prompt lookup); never changes the answer")
	f.number("max-step-slowdown", "serving.maxStepSlowdown", &s.MaxStepSlowdown, "maximum duration of a step with prefill, as a multiple of its decodes; 0 is 1.7")
	f.integer("metrics-top-experts", "serving.metricsTopExperts", &s.MetricsTopExperts, "max experts with counters of their own in /metrics, the busiest ones; 0 = all")
	f.inverse("hedge", "serving.disableHedging", &s.DisableHedging, "call another replica when an expert call is late; with false, wait until the call times out")
}

// apiFlags say how requests are read and answered.
func apiFlags(f configFlags, s *role.APIConfig) {
	f.text("model-name", "serving.modelName", &s.ModelName, "name that clients use; the checkpoint directory's when empty")
	f.duration("request-deadline", "serving.requestDeadline", &s.RequestDeadline, "maximum duration of a request")
	f.text("generation-config", "serving.generationConfig", &s.GenerationConfig, "defaults of sampling for requests that do not say: auto takes them from the checkpoint's generation_config.json, none keeps the API's; auto when empty")
	f.StringArrayVar(&s.Attributes, "attribute", s.Attributes, "server default of a SteerLM attribute, NAME=0..4; may be repeated")
	f.at("attribute", "serving.attributes")
	f.StringArrayVar(&s.CORSOrigins, "cors-origin", s.CORSOrigins, "origin whose web pages may call the HTTP API, for example http://localhost:3000, or * for every one; may be repeated")
	f.at("cors-origin", "serving.corsOrigins")
	f.duration("stream-heartbeat", "serving.streamHeartbeat", &s.StreamHeartbeat, "time between the comments of a stream that has nothing else to send; 0 is 15s")
}

// routerTimeoutFlag is shared by up and gateway.
func routerTimeoutFlag(f configFlags, path string, to *time.Duration) {
	f.duration("router-timeout", path, to, "how long a router may send nothing before a gateway lets another one go on")
}

// kvCacheFlags bound what runs and what waits.
func kvCacheFlags(f configFlags, s *role.ServingConfig) {
	f.size("kv-cache-memory", "serving.kvCacheMemory", &s.KVCacheMemory, "memory for the KV cache, for example 16Gi")
	f.integer("max-num-seqs", "serving.maxNumSeqs", &s.MaxSequences, "maximum sequences that run at once; 0 derives it from --kv-cache-memory")
	f.integer("max-queued-requests", "serving.maxQueuedRequests", &s.MaxQueued, "maximum requests that wait; further requests get HTTP 429")
}
