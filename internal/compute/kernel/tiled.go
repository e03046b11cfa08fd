package kernel

// tiledName is the name of the kernels that multiply tiles.
const tiledName = "amx"
