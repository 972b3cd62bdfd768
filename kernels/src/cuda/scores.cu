KERNEL(to_come_scores, u32) { (void)a; }
