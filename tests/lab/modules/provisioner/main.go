// minikube's own storage provisioner, started without leader election: the endpoints lock that its library asks for is gone
// from client-go, so that the published main can't run when it is built from the module.
package main

import (
	"context"
	"log"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/minikube/pkg/storage"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v6/controller"
)

func main() {
	config, err := rest.InClusterConfig()
	if err != nil {
		log.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		log.Fatal(err)
	}
	provisioner := storage.NewHostPathProvisioner("/tmp/hostpath-provisioner")
	controller.NewProvisionController(client, "k8s.io/minikube-hostpath", provisioner, version.GitVersion,
		controller.LeaderElection(false)).Run(context.Background())
}
