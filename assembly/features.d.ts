/**
 * Whether the build knows what only several hosts need: VXLAN, IPVS and IPsec. The build that a page loads at once does without.
 * 0 or 1, given to asc by `--use` (asconfig.json); a constant, so that what it guards falls away.
 */
declare const MANY_HOSTS: i32;
