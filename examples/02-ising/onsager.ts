// The exact solution for the infinite square lattice (Onsager 1944, Yang 1952), J = k_B = 1: what the simulation is held to.

/** Where sinh(2/T) is 1. */
export const CRITICAL_TEMPERATURE = 2 / Math.log(1 + Math.SQRT2);

/** |m| per spin: (1 − sinh(2/T)⁻⁴)^⅛ below the critical temperature, and 0 above. */
export function exactMagnetization(temperature: number): number {
  if (temperature >= CRITICAL_TEMPERATURE) return 0;
  return (1 - Math.sinh(2 / temperature) ** -4) ** (1 / 8);
}

/** Energy per spin: −coth(2/T) (1 + 2/π κ K(k)), where κ = 2 tanh²(2/T) − 1 and K is the elliptic integral of k² = 1 − κ². */
export function exactEnergy(temperature: number): number {
  const tanh = Math.tanh(2 / temperature);
  const kappa = 2 * tanh ** 2 - 1;
  // K(k) grows without limit towards the critical temperature, but slower than κ falls.
  const singular = kappa === 0 ? 0 : (2 / Math.PI) * kappa * ellipticK(Math.abs(kappa));
  return -(1 + singular) / tanh;
}

/** K by the arithmetic–geometric mean, from the complementary modulus √(1 − k²): π / (2 agm(1, √(1 − k²))). */
function ellipticK(complement: number): number {
  let [arithmetic, geometric] = [1, complement];
  while (arithmetic - geometric > 1e-15 * arithmetic) {
    [arithmetic, geometric] = [(arithmetic + geometric) / 2, Math.sqrt(arithmetic * geometric)];
  }
  return Math.PI / (2 * arithmetic);
}
