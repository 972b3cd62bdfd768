KERNEL(to_come_bins, u32) { (void)a; }
