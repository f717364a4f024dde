// Compiled into every C# program of the tests.
using System;
using System.ComponentModel;
using System.Runtime.InteropServices;

static class Own
{
    static readonly string sddl = Environment.GetEnvironmentVariable("BREEZEWAY_TEST_OWNER");

    // Set gives an object that this process created the owner and the access control
    // list that the test states under Wine, which leaves an object that was created
    // without a security descriptor without one. Elsewhere it does nothing.
    public static void Set(SafeHandle handle)
    {
        const uint revision = 1, ownerAndList = 1 | 4;
        if (sddl == null)
            return;
        IntPtr descriptor;
        uint size;
        if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl, revision, out descriptor, out size))
            throw new Win32Exception();
        bool done = SetKernelObjectSecurity(handle, ownerAndList, descriptor);
        var e = new Win32Exception();
        LocalFree(descriptor);
        if (!done)
            throw e;
    }

    [DllImport("advapi32", CharSet = CharSet.Unicode, SetLastError = true)]
    static extern bool ConvertStringSecurityDescriptorToSecurityDescriptorW(string sddl, uint revision, out IntPtr descriptor, out uint size);

    [DllImport("advapi32", SetLastError = true)]
    static extern bool SetKernelObjectSecurity(SafeHandle handle, uint what, IntPtr descriptor);

    [DllImport("kernel32")]
    static extern IntPtr LocalFree(IntPtr memory);
}
