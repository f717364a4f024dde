using System;
using System.Threading;

static class NamedSemaphore
{
    static void Main(string[] args)
    {
        try
        {
            using (var sem = new Semaphore(2, 2, args[0]))
            {
                sem.WaitOne();
                Console.WriteLine("working");
                Console.ReadLine();
                sem.Release();
            }
        }
        catch (PlatformNotSupportedException e)
        {
            Console.WriteLine(e.GetType().Name);
        }
    }
}
