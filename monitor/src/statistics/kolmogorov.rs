//! The distribution of the Kolmogorov-Smirnov statistic of one sample, by the methods that Simard and L'Ecuyer (2011, Journal
//! of Statistical Software 39:11) choose, with the limits between them that `scipy.stats.kstwo` has.

use std::f64::consts::PI;

/// Beyond this size the sum of [`smirnov`] takes too long; its limit is as good.
const SUMMED_MAX: u64 = 1_000_000;

/// The probability that the statistic of `n` values is above `d` when they are drawn from the distribution that they are
/// compared with: two-sided.
pub fn survival(n: u64, d: f64) -> f64 {
    let size = n as f64;
    let t = size * d;
    if n == 0 || t <= 0.5 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    if t <= 1.0 {
        // n!/n^n (2t-1)^n
        let log: f64 = (1..=n.min(2000)).map(|i| (i as f64 / size * (2.0 * t - 1.0)).ln()).sum();
        return 1.0 - log.exp();
    }
    if t >= size - 1.0 {
        return 2.0 * (1.0 - d).powf(size);
    }
    let square = t * d;
    let p = match () {
        () if d >= 0.5 => 2.0 * smirnov(n, d),
        () if n <= 140 && square <= 4.0 => 1.0 - durbin(n, d),
        () if n <= 140 => 2.0 * smirnov(n, d),
        () if square >= 370.0 => 0.0,
        () if square >= 2.2 => 2.0 * smirnov(n, d),
        () if n <= 100_000 && size * d.powf(1.5) <= 1.4 => 1.0 - durbin(n, d),
        () => 1.0 - pelz_good(size, d),
    };
    p.clamp(0.0, 1.0)
}

/// The one-sided probability (Birnbaum and Tingey, 1951), `d Σ C(n,v) (d+v/n)^(v-1) (1-d-v/n)^(n-v)`.
fn smirnov(n: u64, d: f64) -> f64 {
    let size = n as f64;
    let limit = (-(6.0 * size * d + 1.0).powi(2) / 18.0 / size).exp();
    if n > SUMMED_MAX || limit < 1e-14 {
        return limit;
    }
    let last = (size * (1.0 - d)).floor() as u64;
    let mut log_choose = 0.0f64;
    let mut sum = 0.0;
    for v in 0..=last {
        let here = v as f64;
        let (below, above) = (d + here / size, 1.0 - d - here / size);
        if above > 0.0 {
            sum += (log_choose + (here - 1.0) * below.ln() + (size - here) * above.ln()).exp();
        }
        log_choose += ((size - here) / (here + 1.0)).ln();
    }
    (d * sum).clamp(0.0, 1.0)
}

/// The probability of a statistic of at most `d`, by Durbin's matrix (Marsaglia, Tsang and Wang, 2003): exact, in
/// `O((nd)^3 log n)`.
fn durbin(n: u64, d: f64) -> f64 {
    /// Numbers are kept below two to this power.
    const SCALE: i32 = 128;
    let nd = n as f64 * d;
    let k = nd.ceil();
    let h = k - nd;
    let k = k as usize;
    let m = 2 * k - 1;
    let mut matrix = durbin_matrix(m, h);
    let mut power: Vec<f64> = (0..m * m).map(|place| f64::from(u8::from(place % (m + 1) == 0))).collect();
    let (mut exponent, mut matrix_exponent) = (0i32, 0i32);
    let mut left = n;
    let middle = (k - 1) * m + (k - 1);
    while left > 0 {
        if left % 2 == 1 {
            power = product(&power, &matrix, m);
            exponent += matrix_exponent;
        }
        matrix = product(&matrix, &matrix, m);
        matrix_exponent *= 2;
        if matrix[middle].abs() > 2f64.powi(SCALE) {
            matrix.iter_mut().for_each(|value| *value *= 2f64.powi(-SCALE));
            matrix_exponent += SCALE;
        }
        left /= 2;
    }
    let mut p = power[middle];
    for i in 1..=n {
        p = i as f64 * p / n as f64;
        if p.abs() < 2f64.powi(-SCALE) {
            p *= 2f64.powi(SCALE);
            exponent -= SCALE;
        }
    }
    p * 2f64.powi(exponent)
}

fn durbin_matrix(m: usize, h: f64) -> Vec<f64> {
    let inverse_factorials: Vec<f64> = (0..=m)
        .scan(1.0, |factorial, i| {
            *factorial /= i.max(1) as f64;
            Some(*factorial)
        })
        .collect();
    let mut edge: Vec<f64> = (1..=m).map(|i| (1.0 - h.powf(i as f64)) * inverse_factorials[i]).collect();
    let size = m as f64;
    edge[m - 1] = (1.0 + (2.0 * h - 1.0).max(0.0).powf(size) - 2.0 * h.powf(size)) * inverse_factorials[m];
    let mut matrix = vec![0.0; m * m];
    for row in 0..m {
        for column in 1..=(row + 1).min(m - 1) {
            matrix[row * m + column] = inverse_factorials[row + 1 - column];
        }
        matrix[row * m] = edge[row];
    }
    for column in 0..m {
        matrix[(m - 1) * m + column] = edge[m - 1 - column];
    }
    matrix
}

fn product(a: &[f64], b: &[f64], m: usize) -> Vec<f64> {
    let mut out = vec![0.0; m * m];
    for row in 0..m {
        for inner in 0..m {
            let factor = a[row * m + inner];
            let (out, b) = (&mut out[row * m..(row + 1) * m], &b[inner * m..(inner + 1) * m]);
            out.iter_mut().zip(b).for_each(|(out, b)| *out += factor * b);
        }
    }
    out
}

/// The approximation of Pelz and Good (1976) to the probability of a statistic of at most `d`: terms up to `n^(-3/2)`.
fn pelz_good(n: f64, d: f64) -> f64 {
    let z = n.sqrt() * d;
    let (z2, z4, z6) = (z.powi(2), z.powi(4), z.powi(6));
    let (pi2, pi4, pi6) = (PI.powi(2), PI.powi(4), PI.powi(6));
    let q_log = -pi2 / 8.0 / z2;
    if q_log < -708.0 {
        return 0.0;
    }
    let q = q_log.exp();
    let terms = (16.0 * z / PI).ceil() as i32;
    let mut sums = [0.0f64; 4];
    for k in (1..=terms).rev() {
        let m = f64::from(2 * k - 1);
        let (m2, m4, m6) = (m.powi(2), m.powi(4), m.powi(6));
        let coefficients = [
            1.0,
            -z2 + pi2 / 4.0 * m2,
            6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * pi2 / 4.0 * m2 + pi4 * (1.0 - 2.0 * z2) / 16.0 * m4,
            -30.0 * z6 - 90.0 * z.powi(8)
                + pi2 * (135.0 * z4 - 96.0 * z6) / 4.0 * m2
                + pi4 * (-60.0 * z2 + 212.0 * z4) / 16.0 * m4
                + pi6 * (5.0 - 30.0 * z2) / 64.0 * m6,
        ];
        let ratio = q.powi(8 * k);
        sums.iter_mut().zip(coefficients).for_each(|(sum, coefficient)| *sum = *sum * ratio + coefficient);
    }
    let root = (2.0 * PI).sqrt();
    let divisors = [z, 6.0 * z4, 72.0 * z.powi(7), 6480.0 * z.powi(10)];
    sums.iter_mut().zip(divisors).for_each(|(sum, divisor)| *sum *= q * root / divisor);
    let whole = (-pi2 / 2.0 / z2).exp();
    let (mut second, mut third) = (0.0, 0.0);
    for k in (1..=terms).rev().map(f64::from) {
        let power = k * k * whole.powf(k * k);
        second += power;
        third += (3.0 * z2 - (PI * k).powi(2)) * power;
    }
    sums[2] += second * pi2 * root / (-36.0 * z.powi(3));
    sums[3] += third * pi2 * root / (216.0 * z6);
    sums[0] + sums[1] / n.sqrt() + sums[2] / n + sums[3] / n.powf(1.5)
}
