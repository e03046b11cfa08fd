package role

import (
	"net/http"

	"google.golang.org/grpc"
	channelz "google.golang.org/grpc/channelz/service"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// offered are the services that a process serves at its other listeners.
type offered []grpc.ServiceDesc

// GetServiceInfo implements reflection.ServiceInfoProvider.
func (o offered) GetServiceInfo() map[string]grpc.ServiceInfo {
	out := map[string]grpc.ServiceInfo{}
	for _, d := range o {
		out[d.ServiceName] = grpc.ServiceInfo{Metadata: d.Metadata}
	}
	return out
}

// grpcRoutes are gRPC reflection, which describes the services of the process, and
// channelz, which shows its connections. No listener but the admin API's has them.
func grpcRoutes(services offered) map[string]httpapi.Methods {
	calls := grpc.NewServer() // it has no listener and nothing to stop
	reflectionpb.RegisterServerReflectionServer(calls, reflection.NewServerV1(reflection.ServerOptions{Services: services}))
	channelz.RegisterChannelzServiceToServer(calls)
	routes := map[string]httpapi.Methods{}
	for name := range calls.GetServiceInfo() {
		routes["/"+name+"/"] = httpapi.Methods{http.MethodPost: func(w http.ResponseWriter, r *http.Request) { calls.ServeHTTP(connectionWriter(w), r) }}
	}
	return routes
}

// connectionWriter is the writer of the connection below those of the API: gRPC flushes
// it and writes trailers.
func connectionWriter(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapped, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapped.Unwrap()
	}
}
