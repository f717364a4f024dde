package shmnet

// prefix begins the name of what a server listens at.
const prefix = "bw.shmnet."
