module github.com/breezeway-ipc/breezeway/examples/grpc

go 1.25.0

require (
	github.com/breezeway-ipc/breezeway v0.0.0
	google.golang.org/grpc v1.80.0
)

require (
	golang.org/x/net v0.52.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.35.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260120221211-b8f7ae30c516 // indirect
	google.golang.org/protobuf v1.36.11 // indirect
)

replace github.com/breezeway-ipc/breezeway => ../..
