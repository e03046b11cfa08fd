package verify

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// parts are used by components only.
var parts = []string{"autoscaled", "certificates-folder"}

// components that an operator adds to an overlay.
var added = []string{
	"autoscaling", "autoscaling-keda", "cert-manager", "gateway", "image-volume", "monitoring", "network-policies", "nfs", "object-store", "pod-certificate", "public-tls",
}

// compose renders components on top of an overlay.
func compose(t *testing.T, fs filesys.FileSystem, overlay string, components ...string) (*Manifests, error) {
	t.Helper()
	if len(components) == 0 {
		return Render(fs, "k8s/overlays/"+overlay)
	}
	text := "resources: [../" + overlay + "]\ncomponents:\n"
	for _, c := range components {
		text += "  - ../../components/" + c + "\n"
	}
	if err := fs.WriteFile("k8s/overlays/composed/kustomization.yaml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	return Render(fs, "k8s/overlays/composed")
}

// TestComponentsHaveNoFaults, each by itself and together, on every overlay that serves in
// earnest.
func TestComponentsHaveNoFaults(t *testing.T) {
	t.Parallel()
	together := [][]string{
		{"cert-manager", "public-tls", "monitoring", "autoscaling-keda", "image-volume"},
		{"pod-certificate", "monitoring", "autoscaling", "object-store"},
		{"cert-manager", "nfs", "gateway", "autoscaling"},
	}
	for _, c := range added {
		if c != "network-policies" { // the overlays have it
			together = append(together, []string{c})
		}
	}
	for _, overlay := range []string{"cpu", "gpu", "trn1"} {
		for _, components := range together {
			t.Run(overlay+"/"+strings.Join(components, "+"), func(t *testing.T) {
				t.Parallel()
				m, err := compose(t, load(t), overlay, components...)
				if err != nil {
					t.Fatal(err)
				}
				for _, err := range Check(m) {
					t.Error(err)
				}
			})
		}
	}
}

// TestNoComponentIsForgotten: a folder that is in no list is not checked, and a part that
// no component has is of no use.
func TestNoComponentIsForgotten(t *testing.T) {
	entries, err := os.ReadDir(manifests + "/components")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	used := ""
	for _, e := range entries {
		got = append(got, e.Name())
		raw, err := os.ReadFile(manifests + "/components/" + e.Name() + "/kustomization.yaml")
		if err != nil {
			t.Fatal(err)
		}
		used += string(raw)
	}
	want := slices.Concat(parts, added)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the components are %v, want %v", got, want)
	}
	for _, p := range parts {
		if !strings.Contains(used, "components: [../"+p+"]") {
			t.Errorf("no component uses %s", p)
		}
	}
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range added {
		if !strings.Contains(string(raw), "| `"+c+"` |") {
			t.Errorf("%s does not list the component %s", document, c)
		}
	}
}

// TestMetricsOfComponentsAreDocumented: a test of the table of metrics shows that processes
// export them.
func TestMetricsOfComponentsAreDocumented(t *testing.T) {
	t.Parallel()
	known := gomod(t, root+"/docs/metrics.md")
	for _, name := range metricsOf(t, "autoscaling", "autoscaling-keda", "monitoring") {
		of := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if !strings.Contains(known, "| `"+of) {
			t.Errorf("docs/metrics.md has no metric %s", name)
		}
	}
}

// metricsOf are the metrics that components name.
func metricsOf(t *testing.T, components ...string) []string {
	t.Helper()
	var out []string
	for _, c := range components {
		m, err := compose(t, load(t), "cpu", c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m.Metrics()...)
	}
	slices.Sort(out)
	if out = slices.Compact(out); len(out) < 2 {
		t.Fatalf("the components name the metrics %v: the test shows nothing", out)
	}
	return out
}

// TestBrokenComponentsAreFound changes one thing in one file and renders a component on
// top of cpu: a rule that no change can break is not a rule.
func TestBrokenComponentsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, component, file, old, new, want string
	}{
		{"experts in columns", "autoscaling", "autoscaled", "value: --placement=balanced", "value: --placement=column", "--placement=column, want balanced"},
		{"routers that keep their number", "autoscaling", "autoscaled", "name: expert|router|gateway", "name: expert|gateway", "router has 2 pods again"},
		{"autoscaler of nothing", "autoscaling", "autoscaling/autoscalers.yaml", "kind: StatefulSet, name: router", "kind: StatefulSet, name: routers", "there is no StatefulSet routers"},
		{"autoscaler of another kind", "autoscaling", "autoscaling/autoscalers.yaml", "kind: StatefulSet, name: router", "kind: Deployment, name: router", "there is no Deployment router"},
		{"one router", "autoscaling", "autoscaling/autoscalers.yaml", "minReplicas: 2", "minReplicas: 1", "budget router leaves 0 of 1 pods"},
		{"fewer nodes than experts", "autoscaling", "autoscaling/autoscalers.yaml", "minReplicas: 8", "minReplicas: 7", "7 expert nodes, want 8"},
		{"no pod more", "autoscaling", "autoscaling/autoscalers.yaml", "maxReplicas: 6", "maxReplicas: 1", "must be greater than or equal to `minReplicas`"},
		{"number of others", "autoscaling", "autoscaling/autoscalers.yaml", "hachi_num_requests_waiting", "vllm_requests_waiting", "it follows no number of hachi"},
		{"field of no autoscaler", "autoscaling", "autoscaling/autoscalers.yaml", "averageValue:", "averageValu:", "unknown field"},
		{"share of nothing", "autoscaling", "base/gateway.yaml", "requests: {cpu: 1, memory: 2Gi}", "requests: {memory: 2Gi}", "gateway asks for no cpu"},
		{"two autoscalers", "autoscaling", "autoscaling/autoscalers.yaml", "kind: StatefulSet, name: gateway", "kind: StatefulSet, name: router", "router has two"},
		{"KEDA for nothing", "autoscaling-keda", "autoscaling-keda/scaledobjects.yaml", "kind: StatefulSet, name: router", "kind: StatefulSet, name: routers", "there is no StatefulSet routers"},
		{"field that KEDA does not have", "autoscaling-keda", "autoscaling-keda/scaledobjects.yaml", "minReplicaCount: 2", "minReplicas: 2", "unknown field spec.minReplicas"},
		{"wrong type for KEDA", "autoscaling-keda", "autoscaling-keda/scaledobjects.yaml", "minReplicaCount: 2", "minReplicaCount: two", "must be of type integer"},
		{"query of others", "autoscaling-keda", "autoscaling-keda/scaledobjects.yaml", "sum(hachi_num_requests_waiting", "sum(num_requests_waiting", "it follows no number of hachi"},
		{"version that KEDA does not have", "autoscaling-keda", "autoscaling-keda/scaledobjects.yaml", "keda.sh/v1alpha1", "keda.sh/v1", "no kind"},

		{"monitor of no pod", "monitoring", "monitoring/podmonitors.yaml", "app.kubernetes.io/component: router", "app.kubernetes.io/component: routers", "reads the pods of no workload"},
		{"port of no pod", "monitoring", "monitoring/podmonitors.yaml", "port: admin", "port: metric", `expert has no port "metric"`},
		{"metrics in plaintext", "monitoring", "monitoring/podmonitors.yaml", "scheme: https", "scheme: http", "expert answers over TLS only"},
		{"name that no certificate has", "monitoring", "monitoring/podmonitors.yaml", "serverName: routers.hachi.svc", "serverName: router.hachi.svc", `no certificate of router has the name "router.hachi.svc"`},
		{"scraper without a key", "monitoring", "monitoring/podmonitors.yaml", "        keySecret: {name: scraper, key: tls.key}\n", "", "tls.key is not that of the Secret scraper"},
		{"key of another Secret", "monitoring", "monitoring/podmonitors.yaml", "keySecret: {name: scraper", "keySecret: {name: expert-certificates", "tls.key is not that of the Secret scraper"},
		{"component that no monitor reads", "monitoring", "monitoring/podmonitors.yaml", "name: hachi\n      app.kubernetes.io/component: coordinator", "name: hachi\n      app.kubernetes.io/component: expertnode", "the metrics of coordinator are read 0 times"},
		{"rule of no form", "monitoring", "../monitoring/prometheusrule.yaml", "expr: ", "exp: ", "unknown field"},
		{"scraper that is not let in", "monitoring", "monitoring/networkpolicy.yaml", "port: 8082", "port: 8080", "no policy lets the scraper reach port 8082"},
		{"scraper of every namespace", "monitoring", "monitoring/networkpolicy.yaml", "kubernetes.io/metadata.name: monitoring", "kubernetes.io/metadata.name: default", "port 7072/TCP of another namespace"},
		{"scraper at the API", "monitoring", "monitoring/networkpolicy.yaml", "{port: 8082, protocol: TCP}", "{port: 8082, protocol: TCP}, {port: 8080, protocol: TCP}", "port 8080/TCP of another namespace"},

		{"Issuer that is not there", "cert-manager", "cert-manager/issuer.yaml", "  name: hachi\n", "  name: authority\n", `there is no Issuer "hachi"`},
		{"field that no Issuer has", "cert-manager", "cert-manager/issuer.yaml", "secretName: ca", "secret: ca", "unknown field spec.ca.secret"},
		{"role of others", "cert-manager", "cert-manager/kustomization.yaml", "common-name: expert", "common-name: router", `the common-name "router", want "expert"`},
		{"identity of others", "cert-manager", "cert-manager/kustomization.yaml", "spiffe://hachi/expert/${POD_NAME}", "spiffe://hachi/operator/${POD_NAME}", `the uri-sans "spiffe://hachi/operator/expert-0"`},
		{"name that clients do not know", "cert-manager", "cert-manager/kustomization.yaml", "localhost,routers.hachi.svc", "localhost", `the dns-names "localhost", want`},
		{"key that no process reads", "cert-manager", "cert-manager/kustomization.yaml", `fs-group: "65532"`, `fs-group: "65533"`, "its group cannot read its certificate"},
		{"key of an old form", "cert-manager", "cert-manager/kustomization.yaml", "key-encoding: PKCS8", "key-encoding: PKCS1", "the key-encoding"},
		{"certificate for servers only", "cert-manager", "cert-manager/kustomization.yaml", "digital signature,server auth,client auth", "server auth", "the key-usages"},
		{"driver of others", "cert-manager", "cert-manager/kustomization.yaml", "driver: csi.cert-manager.io", "driver: csi.example.com", "nothing is known of what brings its certificates"},
		{"files that are not replaced", "cert-manager", "certificates-folder/expert.yaml", "            - {mountPath: /etc/hachi/certificates/tls.crt, $patch: delete}\n", "", "want the folder /etc/hachi/certificates"},
		{"certificates that can be written", "cert-manager", "certificates-folder/expert.yaml", "mountPath: /etc/hachi/certificates, readOnly: true", "mountPath: /etc/hachi/certificates", "/etc/hachi/certificates can be written"},
		{"two signers", "pod-certificate", "pod-certificate/kustomization.yaml", "clusterTrustBundle: {signerName: example.com/hachi", "clusterTrustBundle: {signerName: example.com/other", "its signers [example.com/hachi example.com/other]"},
		{"file that hachi does not read", "pod-certificate", "pod-certificate/kustomization.yaml", "keyPath: tls.key", "keyPath: key.pem", "write [ca.crt key.pem tls.crt]"},
		{"key of RSA", "pod-certificate", "pod-certificate/kustomization.yaml", "ECDSAP256", "RSA4096", "a key of the type RSA4096"},
		{"key that everybody reads", "pod-certificate", "pod-certificate/kustomization.yaml", "defaultMode: 0440", "defaultMode: 0444", "its key can be read by every user of the pod"},

		{"public certificate that is not mounted", "public-tls", "public-tls/kustomization.yaml", "mountPath: /etc/hachi/public", "mountPath: /etc/hachi/gateway", "/etc/hachi/public is in no volume"},
		{"certificate of another Secret", "public-tls", "public-tls/kustomization.yaml", "secretName: gateway-tls", "secretName: public-tls", `nothing makes the Secret "public-tls"`},
		{"route without a Gateway", "gateway", "gateway/gateway.yaml", "parentRefs: [{name: public,", "parentRefs: [{name: private,", `there is no Gateway "private"`},
		{"route to routers", "gateway", "gateway/gateway.yaml", "backendRefs: [{name: gateway, port: 8080}]", "backendRefs: [{name: routers, port: 8080}]", "gateways have no Service routers"},
		{"streams that break off", "gateway", "gateway/gateway.yaml", "backendRequest: 0s", "backendRequest: 60s", "breaks off answers that take long"},
		{"gateways that no policy verifies", "gateway", "gateway/gateway.yaml", "sectionName: http}]", "sectionName: grpc}]", "nothing says how to verify the Service gateway"},
		{"gateways of another name", "gateway", "gateway/gateway.yaml", "hostname: gateway.hachi.svc", "hostname: gateway.example.com", `no certificate of gateways has the name "gateway.example.com"`},
		{"authority of others", "gateway", "gateway/gateway.yaml", "kind: ConfigMap, name: authority", "kind: ConfigMap, name: ca", "want the authority of the ConfigMap authority"},

		{"users that the kernel cannot map", "nfs", "nfs/kustomization.yaml", "name: expert|router|gateway", "name: router|gateway", "expert: it mounts NFS"},
		{"volume of another claim", "nfs", "nfs/volume.yaml", "claimRef: {namespace: hachi, name: model}", "claimRef: {namespace: hachi, name: models}", "volume hachi-model is for no claim"},
		{"claim of another volume", "nfs", "nfs/kustomization.yaml", "value: hachi-model", "value: models", "claim model does not take the volume hachi-model"},
		{"volume that is too small", "nfs", "nfs/volume.yaml", "storage: 100Gi", "storage: 80Gi", "volume hachi-model is smaller than the claim model"},
		{"volume that can be written", "nfs", "nfs/volume.yaml", "karakuri-lm-8x7b-chat, readOnly: true", "karakuri-lm-8x7b-chat", "volume hachi-model can be written"},
		{"image that moves", "image-volume", "image-volume/kustomization.yaml", "8x7b-chat:1.0.0", "8x7b-chat:latest", "names no version"},
		{"claim that is gone", "image-volume", "image-volume/kustomization.yaml", "name: expert|router|gateway", "name: expert|router", `gateway: there is no claim "model"`},

		{"store without keys", "object-store", "object-store/kustomization.yaml", "      - HACHI_MODEL_CREDENTIALS=/etc/hachi/store/credentials\n", "", "it has no keys or no region"},
		{"store that no pod reaches", "object-store", "object-store/networkpolicy.yaml", "port: 443", "port: 80", "no policy lets it reach s3://models/karakuri-lm-8x7b-chat"},
		{"store that gateways do not reach", "object-store", "object-store/networkpolicy.yaml", "[expertnode, gateway, router]", "[expertnode, router]", "gateway: no policy lets it reach"},
		{"cache larger than its volume", "object-store", "object-store/kustomization.yaml", "sizeLimit: 32Gi", "sizeLimit: 28Gi", "beyond which the pod is evicted"},
		{"cache without bounds", "object-store", "object-store/kustomization.yaml", "emptyDir: {sizeLimit: 32Gi}", "emptyDir: {}", "may fill the disk"},
		{"cache in no volume", "object-store", "object-store/kustomization.yaml", "HACHI_WEIGHTS_CACHE=/var/cache/hachi", "HACHI_WEIGHTS_CACHE=/tmp/cache", "/tmp/cache is in no volume"},
		{"keys of another Secret", "object-store", "object-store/kustomization.yaml", "secretName: store", "secretName: stores", `nothing makes the Secret "stores"`},
	} {
		t.Run(c.component+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			file := c.file
			if !strings.Contains(file, "/") {
				file += "/kustomization.yaml"
			}
			if !strings.HasPrefix(file, "base/") && !strings.HasPrefix(file, "../") {
				file = "components/" + file
			}
			if err := broken(t, "cpu", []string{c.component}, file, c.old, c.new); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %q", err, c.want)
			}
		})
	}
}

// TestBrokenTrialsAreFound: the same for dev.
func TestBrokenTrialsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, old, new, want string }{
		{"model of another version", "overlays/dev/model.yaml", "image: hachi:0.1.0", "image: hachi:0.0.9", "hachi:0.0.9 writes the model for hachi:0.1.0"},
		{"more than one machine", "overlays/dev/kustomization.yaml", "      - {op: remove, path: /spec/template/spec/affinity}\n", "", "its pods need more than one machine"},
		{"another command first", "overlays/dev/model.yaml", "[model, export, mini,", "[model, init, mini,", "want the export of a model"},
		{"model without a bound", "overlays/dev/model.yaml", "emptyDir: {sizeLimit: 64Mi}", "emptyDir: {}", "may fill the disk"},
		{"model elsewhere", "overlays/dev/model.yaml", "value: --model=/model/hachi-mini", "value: --model=/hachi-mini", "want /model"},
		{"root before the start", "overlays/dev/model.yaml", "        readOnlyRootFilesystem: true\n", "", "its root file system can be written"},
		{"no room for the other's experts", "overlays/dev/kustomization.yaml", "value: --capacity=24Mi", "value: --capacity=20Mi", "are needed when one is away"},
		{"plaintext that no variable allows", "overlays/dev/kustomization.yaml", "      - HACHI_INSECURE=true\n", "", "its pods refuse to be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := broken(t, "dev", nil, c.file, c.old, c.new); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %q", err, c.want)
			}
		})
	}
}

// TestEachNameOfACertificateIsIssued: the commands of the document issue certificates with
// the names by which clients verify the pods.
func TestEachNameOfACertificateIsIssued(t *testing.T) {
	script := documentedScript(t, "kubectl apply -f deploy/k8s/base/namespace.yaml\n")
	for _, w := range render(t, "cpu").Workloads() {
		_, line, found := strings.Cut(script, "hachi certs issue "+roleOf(w.Component)+" ")
		line, _, _ = strings.Cut(line, "\n")
		var err error
		for _, pod := range w.PodNames() {
			for _, host := range hostsOf(w.Component, pod) {
				if !slices.Contains(strings.Fields(line), host) {
					err = errors.Join(err, errors.New(pod+" has no name "+host))
				}
			}
		}
		if !found || err != nil {
			t.Errorf("%s: %q: %v", w.Name, line, err)
		}
	}
}
