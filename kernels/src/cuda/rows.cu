KERNEL(to_come_rows, u32) { (void)a; }
