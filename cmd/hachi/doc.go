// Command hachi is every process of a cluster and the tools around it: up runs
// a whole cluster on one machine; coordinator, expertnode and router are its
// roles; chat, status, drain and model are for people.
package main
