package verify

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestBrokenManifestsAreFound changes one thing in one file and renders the cpu
// overlay: a rule that no change can break is not a rule.
func TestBrokenManifestsAreFound(t *testing.T) {
	t.Parallel()
	const (
		etcd        = "base/etcd.yaml"
		coordinator = "base/coordinator.yaml"
		expert      = "base/expertnode.yaml"
		router      = "base/router.yaml"
		gateway     = "base/gateway.yaml"
		policies    = "components/network-policies/policies.yaml"

		kustomization = "base/kustomization.yaml"
	)
	for _, c := range []struct {
		name, file, old, new, want string
	}{
		{"unknown field", expert, "podManagementPolicy:", "podManagmentPolicy:", "unknown field"},
		{"unknown field in a container", router, "livenessProbe:", "livelinessProbe:", "unknown field"},
		{"wrong type", expert, "replicas: 8", "replicas: eight", "cannot unmarshal string"},
		{"unknown API", coordinator, "apps/v1", "apps/v1beta7", "no kind"},
		{"unknown kind", "base/model.yaml", "PersistentVolumeClaim", "PersistentVolumeClaimm", "no kind"},
		{"another kind", "base/namespace.yaml", "kind: Namespace", "kind: ServiceAccount", "nothing here validates"},
		{"missing file", "base/kustomization.yaml", "  - router.yaml\n", "", "no resource matches"},
		{"missing component", "base/kustomization.yaml", "  - coordinator.yaml\n", "", "no workload has the label app.kubernetes.io/component: coordinator"},
		{"second container", coordinator, "      containers:\n", "      containers:\n        - {name: second, image: \"hachi:0.1.0\"}\n", "want one container"},

		{"name that is too long", router, "http, containerPort", "hypertext-transfer, containerPort", "must be no more than 15 characters"},
		{"resource without a limit", "overlays/cpu/router.yaml", "requests: {cpu: 8,", "requests: {cpu: 9,", "must be less than or equal to cpu limit"},
		{"quantity that is none", "base/model.yaml", "storage: 100Gi", "storage: 100Gib", "quantities must match"},
		{"access mode that is none", "base/model.yaml", "ReadOnlyMany", "ReadManyTimes", "supported values"},

		{"selector without its pods", expert, "    matchLabels: &labels\n      app.kubernetes.io/name: hachi", "    matchLabels: &labels\n      app.kubernetes.io/name: absent", "want"},
		{"selector of others' pods", etcd, "    matchLabels: &labels\n      app.kubernetes.io/name: hachi\n      app.kubernetes.io/component: etcd\n  template:\n    metadata:\n      labels: *labels", "    matchLabels:\n      app.kubernetes.io/name: hachi\n  template:\n    metadata:\n      labels: &labels\n        app.kubernetes.io/name: hachi\n        app.kubernetes.io/component: etcd", "does not pick its own pods alone"},
		{"Service without pods", gateway, "  selector:\n    app.kubernetes.io/name: hachi", "  selector:\n    app.kubernetes.io/name: absent", "Service gateway picks the pods of 0 workloads"},
		{"Service of two workloads", gateway, "  selector:\n    app.kubernetes.io/name: hachi\n    app.kubernetes.io/component: gateway", "  selector:\n    app.kubernetes.io/name: hachi", "Service gateway picks the pods of 5 workloads"},
		{"port of another name", gateway, "targetPort: http", "targetPort: web", "port http leads to web"},
		{"port of another number", coordinator, "containerPort: 7071", "containerPort: 7072", "declares no port 7071"},
		{"gossip over TCP alone", expert, "            - {name: gossip-udp, containerPort: 7946, protocol: UDP}\n", "", "declares no port 7946/UDP"},
		{"claim of another name", expert, "claimName: model", "claimName: models", `no claim "models"`},
		{"volume of another name", expert, "{name: model, mountPath: /model, readOnly: true}", "{name: modell, mountPath: /model, readOnly: true}", `Not found: "modell"`},
		{"probe without a port", router, "path: /healthz, port: http}", "path: /healthz, port: web}", "port is not declared"},
		{"no probe", expert, "          readinessProbe:\n            httpGet: {scheme: HTTPS, path: /readyz, port: admin}\n            periodSeconds: 5\n            timeoutSeconds: 5\n", "", "expert has no readiness probe"},
		{"alive only when ready", router, "          livenessProbe:\n            httpGet: {scheme: HTTPS, path: /healthz,", "          livenessProbe:\n            httpGet: {scheme: HTTPS, path: /readyz,", "would be killed for it"},
		{"in no namespace", "base/kustomization.yaml", "namespace: hachi\n", "", "metadata.namespace: Required value"},
		{"namespace that is not made", "base/kustomization.yaml", "  - namespace.yaml\n", "", "0 namespaces"},

		{"no policies", "overlays/cpu/kustomization.yaml", "components: [../../components/network-policies]\n", "", "etcd to expertnode at port 7070/TCP: allowed true, want false"},
		{"experts for all", policies, "    - from: [{podSelector: {matchLabels: {app.kubernetes.io/name: hachi, app.kubernetes.io/component: router}}}]\n      ports: [{port: 7070", "    - ports: [{port: 7070", "clients to expertnode at port 7070/TCP: allowed true, want false"},
		{"routers for all", policies, "    - from: [{podSelector: {matchLabels: {app.kubernetes.io/name: hachi, app.kubernetes.io/component: gateway}}}]\n      ports: [{port: 8081", "    - ports: [{port: 8081", "clients to router at port 8081/TCP: allowed true, want false"},
		{"gateways without routers", policies, "  egress:\n    - to: [{podSelector: {matchLabels: {app.kubernetes.io/name: hachi, app.kubernetes.io/component: router}}}]\n", "  egress:\n    - to: [{podSelector: {matchLabels: {app.kubernetes.io/name: hachi, app.kubernetes.io/component: coordinator}}}]\n", "gateway to router at port 8081/TCP: allowed false, want true"},
		{"gateways without records", policies, "[coordinator, expertnode, gateway, router]", "[coordinator, expertnode, router]", "gateway to etcd at port 2379/TCP: allowed false, want true"},
		{"gossip over TCP only", policies, "        - {port: 7946, protocol: UDP}\n", "", "at port 7946/UDP: allowed false, want true"},
		{"unknown host", "base/kustomization.yaml", "etcd-1.etcd:2379", "etcd-1.etcds:2379", `no Service gives the name "etcd-1.etcds"`},
		{"host of a pod that is not there", "base/kustomization.yaml", "etcd-2.etcd:2379", "etcd-3.etcd:2379", `no Service gives the name "etcd-3.etcd"`},
		{"unknown port", "base/kustomization.yaml", "etcd-1.etcd:2379", "etcd-1.etcd:2378", `has no port 2378`},
		{"two members known", "base/kustomization.yaml", ",etcd-2.etcd:2379", "", "HACHI_ETCD is"},
		{"reference to nothing", expert, "--id=$(POD_NAME)", "--id=$(POD_NAMES)", "refers to nothing"},
		{"unknown ConfigMap", expert, "configMapRef: {name: hachi}", "configMapRef: {name: hachis}", `no ConfigMap "hachis"`},
		{"listens to itself", expert, "--listen=0.0.0.0:7070", "--listen=$(POD_IP):7070", "does not listen to other pods"},
		{"listens without a port", expert, "--listen=0.0.0.0:7070", "--listen=0.0.0.0", "missing port"},
		{"advertises the address it listens at", expert, "--advertise=$(POD_NAME).expert:7070", "--advertise=0.0.0.0:7070", "want $(POD_NAME).expert:7070"},
		{"does not advertise itself", router, "            - --advertise-gossip=$(POD_IP):7946\n", "", "is not where others reach --gossip"},
		{"tells every interface", coordinator, "--advertise=$(POD_IP):7071", "--advertise=0.0.0.0:7071", "is not where others reach --listen"},
		{"tells another port", etcd, "--advertise-client-urls=$(SCHEME)://$(POD_NAME).etcd:2379", "--advertise-client-urls=$(SCHEME)://$(POD_NAME).etcd:2380", "is not where others reach --listen-client-urls"},
		{"path outside the volumes", expert, "--model=/model", "--model=/models", "is in no volume"},
		{"no names for pods", expert, "  clusterIP: None\n", "", "want clusterIP None"},
		{"names of ready pods only", etcd, "  publishNotReadyAddresses: true\n", "", "they wait for one another"},
		{"without its Service", expert, "serviceName: expert", "serviceName: experts", `there is no Service "experts"`},

		{"budget without pods", expert, "  selector:\n    matchLabels:\n      app.kubernetes.io/name: hachi", "  selector:\n    matchLabels:\n      app.kubernetes.io/name: absent", "expert has 0 disruption budgets"},
		{"budget below the quorum", etcd, "maxUnavailable: 1", "maxUnavailable: 2", "leaves 1 of 3 pods, 2 are needed"},
		{"budget of all pods", router, "  maxUnavailable: 1\n", "  maxUnavailable: 2\n", "leaves 0 of 2 pods"},
		{"budget of all copies", expert, "maxUnavailable: 1", "maxUnavailable: 2", "every expert has 2 copies"},
		{"budget of all gateways", gateway, "  maxUnavailable: 1\n", "  maxUnavailable: 2\n", "leaves 0 of 2 pods"},
		{"no budget for gateways", gateway, "  name: gateway\nspec:\n  maxUnavailable: 1\n  unhealthyPodEvictionPolicy: AlwaysAllow\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: hachi", "  name: gateway\nspec:\n  maxUnavailable: 1\n  unhealthyPodEvictionPolicy: AlwaysAllow\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: absent", "gateway has 0 disruption budgets"},
		{"budget that lets nothing go", router, "  maxUnavailable: 1\n", "  maxUnavailable: 0\n", "lets nothing go"},
		{"machines shared", expert, "topologyKey: kubernetes.io/hostname", "topologyKey: topology.kubernetes.io/zone", "may share a machine"},
		{"one after the other", expert, "podManagementPolicy: Parallel", "podManagementPolicy: OrderedReady", "must start together"},
		{"rollout by hand", router, "  podManagementPolicy: Parallel\n", "  podManagementPolicy: Parallel\n  updateStrategy: {type: OnDelete}\n", "nothing rolls its pods"},

		{"root", expert, "runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
		{"no seccomp profile", router, "        seccompProfile: {type: RuntimeDefault}\n", "", "seccompProfile"},
		{"capabilities", etcd, "            capabilities: {drop: [ALL]}\n", "", "capabilities"},
		{"escalation", etcd, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation"},
		{"writable root", coordinator, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "can be written"},
		{"writable model", expert, "{claimName: model, readOnly: true}", "{claimName: model}", "volume model can be written"},
		{"token", coordinator, "automountServiceAccountToken: false", "automountServiceAccountToken: true", "token for the API server"},
		{"service links", etcd, "      enableServiceLinks: false\n", "", "may be taken for its own"},
		{"no number for the user", router, "        runAsUser: 65532\n", "", "not named by number"},
		{"namespace without a standard", "base/namespace.yaml", "enforce: restricted", "enforce: baseline", "does not enforce"},
		{"moving tag", "base/kustomization.yaml", "newTag: 0.1.0", "newTag: latest", "names no version"},
		{"no tag", etcd, "quay.io/coreos/etcd:v3.7.3", "quay.io/coreos/etcd", "names no version"},

		{"insecure", kustomization, "HACHI_LOG_LEVEL=info", "HACHI_INSECURE=true", "HACHI_INSECURE=true is in plaintext"},
		{"insecure by flag", expert, "            - --model=/model\n", "            - --model=/model\n            - --insecure\n", "--insecure is in plaintext"},
		{"no certificates", kustomization, "      - HACHI_CERTIFICATES=/etc/hachi/certificates\n", "", `HACHI_CERTIFICATES is "", want`},
		{"no gossip keys", kustomization, "      - HACHI_GOSSIP_KEYS=/etc/hachi/gossip/gossip.keys\n", "", `HACHI_GOSSIP_KEYS is "", want`},
		{"no API keys", kustomization, "      - HACHI_API_KEYS=/etc/hachi/keys/clients.yaml\n", "", `HACHI_API_KEYS is "", want`},
		{"no admin keys", kustomization, "      - HACHI_ADMIN_KEYS=/etc/hachi/keys/admins.yaml\n", "", `HACHI_ADMIN_KEYS is "", want`},
		{"HTTP in plaintext", kustomization, "      - HACHI_HTTP_CERTIFICATES=/etc/hachi/certificates\n", "", `HACHI_HTTP_CERTIFICATES is "", want`},
		{"records in plaintext", kustomization, "HACHI_LOG_LEVEL=info", "HACHI_ETCD_CERTIFICATES=none", "HACHI_ETCD_CERTIFICATES=none is in plaintext"},
		{"etcd in plaintext", kustomization, "SCHEME=https", "SCHEME=http", "is in plaintext"},
		{"etcd for everybody", kustomization, "ETCD_CLIENT_CERT_AUTH=true", "ETCD_CLIENT_CERT_AUTH=false", `ETCD_CLIENT_CERT_AUTH is "false"`},
		{"members without certificates", kustomization, "ETCD_PEER_CLIENT_CERT_AUTH=true", "ETCD_PEER_CLIENT_CERT_AUTH=false", `ETCD_PEER_CLIENT_CERT_AUTH is "false"`},
		{"routers as members of etcd", kustomization, "      - ETCD_PEER_CERT_ALLOWED_CN=etcd\n", "", `ETCD_PEER_CERT_ALLOWED_CN is "", want`},
		{"old TLS", kustomization, "ETCD_TLS_MIN_VERSION=TLS1.3", "ETCD_TLS_MIN_VERSION=TLS1.2", `ETCD_TLS_MIN_VERSION is "TLS1.2"`},
		{"JSON for etcd", kustomization, "ETCD_ENABLE_GRPC_GATEWAY=false", "ETCD_ENABLE_GRPC_GATEWAY=true", `ETCD_ENABLE_GRPC_GATEWAY is "true"`},
		{"peers by http", etcd, "--listen-peer-urls=$(SCHEME)", "--listen-peer-urls=http", "is in plaintext"},
		{"certificates that are not mounted", router, "            - {name: certificates, mountPath: /etc/hachi/certificates/tls.crt, subPathExpr: $(POD_NAME).crt, readOnly: true}\n", "", "mounts of Secrets are"},
		{"keys of all pods", expert, "{name: certificates, mountPath: /etc/hachi/certificates/tls.key, subPathExpr: $(POD_NAME).key, readOnly: true}", "{name: certificates, mountPath: /etc/hachi/certificates/keys, readOnly: true}", "sees the keys of all"},
		{"key of another pod", expert, "subPathExpr: $(POD_NAME).key", "subPath: expert-0.key", "its pods share the key expert-0.key"},
		{"certificate of a name that is not issued", coordinator, "subPathExpr: $(POD_NAME).crt", "subPathExpr: $(POD_IP).crt", "has no key"},
		{"certificates of another role", expert, "secretName: expert-certificates", "secretName: router-certificates", `does not need the Secret "router-certificates"`},
		{"Secret that nothing makes", router, "secretName: api-keys", "secretName: client-keys", `nothing makes the Secret "client-keys"`},
		{"key of the authority", coordinator, "secretName: gossip-keys", "secretName: ca", `nothing makes the Secret "ca"`},
		{"keys of clients for experts", expert, "secretName: gossip-keys", "secretName: api-keys", `does not need the Secret "api-keys"`},
		{"gateways with the certificates of routers", gateway, "secretName: gateway-certificates", "secretName: router-certificates", `gateway does not need the Secret "router-certificates"`},
		{"gateways without API keys", gateway, "            - {name: keys, mountPath: /etc/hachi/keys, readOnly: true}\n", "", "gateway: mounts of Secrets are"},
		{"Secret that everybody reads", router, "secretName: api-keys, defaultMode: 0440", "secretName: api-keys, defaultMode: 0444", "every user of the pod"},
		{"Secret with the usual mode", expert, "secretName: expert-certificates, defaultMode: 0440", "secretName: expert-certificates", "every user of the pod"},
		{"Secret that may be absent", router, "secretName: api-keys,", "secretName: api-keys, optional: true,", "starts without the Secret api-keys"},
		{"Secret that can be written", router, "{name: keys, mountPath: /etc/hachi/keys, readOnly: true}", "{name: keys, mountPath: /etc/hachi/keys}", "/etc/hachi/keys can be written"},
		{"Secret that cannot be read", etcd, "        fsGroup: 65532\n", "        fsGroup: 65533\n", "cannot read its Secrets"},
		{"volume of another kind", coordinator, "        - name: gossip\n", "        - name: scratch\n          emptyDir: {}\n        - name: gossip\n", "volume scratch: no rule says what it is for"},
		{"probe in plaintext", expert, "httpGet: {scheme: HTTPS, path: /readyz, port: admin}", "httpGet: {path: /readyz, port: admin}", "the probe of /readyz is in plaintext"},
		{"probe of gRPC", coordinator, "httpGet: {scheme: HTTPS, path: /readyz, port: admin}", "grpc: {port: 7071}", "not of HTTP"},
		{"admin API for other pods", policies, "      ports: [{port: 7071, protocol: TCP}]\n  egress:\n    - to: [{podSelector: *coordinators}]\n      ports: [{port: 7071, protocol: TCP}]\n", "      ports: [{port: 7071, protocol: TCP}, {port: 7072, protocol: TCP}]\n  egress:\n    - to: [{podSelector: *coordinators}]\n      ports: [{port: 7071, protocol: TCP}, {port: 7072, protocol: TCP}]\n", "coordinator to coordinator at port 7072/TCP: allowed true, want false"},
		{"metrics of etcd for everybody", policies, "      ports: [{port: 2380, protocol: TCP}]\n  egress:", "      ports: [{port: 2380, protocol: TCP}]\n    - ports: [{port: 2381, protocol: TCP}]\n  egress:", "clients to etcd at port 2381/TCP: allowed true, want false"},
		{"rule for a port that no pod has", policies, "ports: [{port: 7070, protocol: TCP}]", "ports: [{port: 7070, protocol: TCP}, {port: 7079, protocol: TCP}]", "no pod has the port 7079/TCP"},
		{"every port", policies, "    - ports:\n        - {port: 8080, protocol: TCP}\n        - {port: 8081, protocol: TCP}\n", "    - {}\n", "a rule allows every port"},
		{"calls to everywhere", policies, "  egress:\n    # Names of Services and pods.\n", "  egress:\n    - ports: [{port: 7946, protocol: TCP}]\n    # Names of Services and pods.\n", "pods may call everywhere"},
		{"the whole of kube-system", policies, "          podSelector: {matchLabels: {k8s-app: kube-dns}}\n", "", "the cluster's DNS only"},
		{"another port of DNS", policies, "{port: 53, protocol: TCP}", "{port: 443, protocol: TCP}", "the cluster's DNS only"},

		{"nine nodes", expert, "replicas: 8", "replicas: 9", "--expect-nodes=8, want 9"},
		{"users of the machine", router, "      hostUsers: false\n", "", "its users are those of the machine"},
		{"gateways in one zone", gateway, "topologyKey: topology.kubernetes.io/zone", "topologyKey: topology.kubernetes.io/region", "spread over zones: false, want true"},
		{"rows between zones", expert, "      containers:\n", "      topologySpreadConstraints:\n        - {topologyKey: topology.kubernetes.io/zone, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: *labels}}\n      containers:\n", "spread over zones: true, want false"},
		{"container before the others", expert, "      containers:\n", "      initContainers:\n        - {name: first, image: \"hachi:0.1.0\"}\n      containers:\n", "want one container"},
		{"another policy", coordinator, "--placement=column", "--placement=balanced", "want column"},
		{"another role", router, "            - router\n", "            - expertnode\n", "want the role router first"},
		{"two members", etcd, "replicas: 3", "replicas: 2", "an odd number of members"},
		{"member left out", etcd, ",etcd-2=$(SCHEME)://etcd-2.etcd:2380", "", "--initial-cluster="},
		{"data that dies with the pod", etcd, "--data-dir=/var/lib/etcd/data", "--data-dir=/tmp", "does not outlive its pod"},

		{"nothing remembered", expert, "            - --state-dir=/var/lib/hachi\n", "", "--state-dir= is in no emptyDir"},
		{"remembered in the model", expert, "--state-dir=/var/lib/hachi", "--state-dir=/model", "--state-dir=/model is in no emptyDir"},
		{"remembered without a limit", expert, "emptyDir: {sizeLimit: 16Mi}", "emptyDir: {}", "volume state may fill the disk"},
		{"remembered where nothing can be written", expert, "{name: state, mountPath: /var/lib/hachi}", "{name: state, mountPath: /var/lib/hachi, readOnly: true}", "--state-dir=/var/lib/hachi cannot be written"},

		{"no room for a lost node", expert, "--capacity=26880Mi", "--capacity=21Gi", "are needed when one is away"},
		{"capacity that is no number", expert, "--capacity=26880Mi", "--capacity=lots", "quantities must match"},
		{"cache too small", router, "--kv-cache-memory=16Gi", "--kv-cache-memory=8Gi", "room for 65536 tokens"},
		{"copies that do not fit", coordinator, "--replicas=2", "--replicas=3", "are needed when one is away"},
		{"pod smaller than its shard", "overlays/cpu/expertnode.yaml", "requests: {cpu: 8, memory: 28Gi}\n            limits: {cpu: 8, memory: 28Gi}", "limits: {cpu: 8, memory: 24Gi}", "a memory limit of"},
		{"pod smaller than its cache", "overlays/cpu/router.yaml", "requests: {cpu: 8, memory: 21Gi}\n            limits: {cpu: 8, memory: 21Gi}", "limits: {cpu: 8, memory: 16Gi}", "a memory limit of"},
		{"gateways without a limit of memory", gateway, "            limits: {memory: 2Gi}\n", "", "gateway: its memory has no limit"},
		{"memory without a limit", coordinator, "            limits: {memory: 256Mi}\n", "", "has no limit"},
		{"volume smaller than the checkpoint", "base/model.yaml", "storage: 100Gi", "storage: 50Gi", "the checkpoint has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := broken(t, "cpu", nil, c.file, c.old, c.new); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %q", err, c.want)
			}
		})
	}
}

// broken changes one thing in one file and returns what is wrong with an overlay and
// components on top of it.
func broken(t *testing.T, overlay string, components []string, file, old, changed string) error {
	t.Helper()
	fs := load(t)
	change(t, fs, file, old, changed)
	m, err := compose(t, fs, overlay, components...)
	if err != nil {
		return err
	}
	return errors.Join(Check(m)...)
}

// change changes one thing in a file.
func change(t *testing.T, fs filesys.FileSystem, file, old, changed string) {
	t.Helper()
	file = path.Join("k8s", file)
	raw, err := fs.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		t.Fatalf("%s has no %q: nothing changes", file, old)
	}
	if err := fs.WriteFile(file, []byte(strings.Replace(string(raw), old, changed, 1))); err != nil {
		t.Fatal(err)
	}
}

// TestOnlyDevIsPlain, and says so to its readers.
func TestOnlyDevIsPlain(t *testing.T) {
	t.Parallel()
	fs := load(t)
	if err := fs.WriteFile("k8s/overlays/mine/kustomization.yaml", []byte("resources: [../dev]\n")); err != nil {
		t.Fatal(err)
	}
	m, err := Render(fs, "k8s/overlays/mine")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Check(m)...); err == nil || !strings.Contains(err.Error(), "HACHI_INSECURE=true is in plaintext") {
		t.Errorf("an overlay on top of dev: %v", err)
	}
	for file, words := range map[string]string{manifests + "/overlays/dev/kustomization.yaml": "# FOR TRIALS ONLY", document: "| `dev` | as `cpu`, **in plaintext and without keys**"} {
		if raw, err := os.ReadFile(file); err != nil || !strings.Contains(string(raw), words) {
			t.Errorf("%s does not say %q, %v", file, words, err)
		}
	}
}

// TestShardsFitTheirDevices: the same for what a device holds.
func TestShardsFitTheirDevices(t *testing.T) {
	t.Parallel()
	for overlay, c := range map[string]struct{ capacity, want string }{
		"gpu":  {"53760Mi", "56371445760 bytes, 1 of nvidia.com/gpu"},
		"trn1": {"600Gi", "644245094400 bytes, 16 of aws.amazon.com/neuron"},
	} {
		if err := broken(t, overlay, nil, "base/expertnode.yaml", "--capacity=26880Mi", "--capacity="+c.capacity); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", overlay, err, c.want)
		}
	}
}
