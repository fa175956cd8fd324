/**
 * The scalar types of AssemblyScript, so that tsc can read `assembly/abi/*`.
 * 64-bit integers are left out on purpose: they are `bigint` at the boundary and have no place in the shared constants.
 */
declare type i8 = number;
declare type i16 = number;
declare type i32 = number;
declare type u8 = number;
declare type u16 = number;
declare type u32 = number;
declare type f32 = number;
declare type f64 = number;
